"""Which presets can be trained together."""

from __future__ import annotations

import pytest

from workbench.processes.together import Group, group
from workbench.settings.preset import Preset


@pytest.mark.parametrize(
    "change",
    [
        "optimizer.learning_rate=0.5",
        "optimizer.betas=[0.8, 0.9]",
        "optimizer.weight_decay=0.1",
        "loss.label_smoothing=0.1",
        "training.seed=7",
        "training.gradient_clip_norm=1.0",
        "schedule.name=cosine",
        "validation.seed=3",
        "name=other",
    ],
)
def test_those_that_differ_in_a_number_are_together(change: str) -> None:
    assert group([Preset(), Preset().override([change])]) == [Group([0, 1])]


@pytest.mark.parametrize(
    "change",
    [
        "model.hidden=[3]",
        "model.dropout=0.1",  # without dropout there are no such layers
        "data.batch_size=7",
        "optimizer.name=adamw",
        "activation.name=tanh",
        "training.epochs=3",
        "training.gradient_accumulation=2",
    ],
)
def test_those_that_differ_in_more_are_not(change: str) -> None:
    changed = Preset().override([change])
    assert group([Preset(), changed, Preset()]) == [Group([0, 2]), Group([1])]


def test_dropout_probabilities_may_differ_and_flags_of_optimizers_may_not() -> None:
    half, some = (Preset().override([f"model.dropout={p}"]) for p in (0.5, 0.2))
    assert group([half, some]) == [Group([0, 1])]
    plain = Preset().override(["optimizer.name=sgd"])
    assert group([plain, plain.override(["optimizer.nesterov=true"])]) == [Group([0]), Group([1])]


def test_folds_are_not_together_where_their_class_weights_follow_from_the_split() -> None:
    folds = [Preset().override(["validation.method=k_fold", f"validation.fold={fold}"]) for fold in range(2)]
    assert group(folds) == [Group([0, 1])]
    assert len(group([fold.override(["loss.class_weights=balanced"]) for fold in folds])) == 2


def test_what_cannot_be_stacked_says_why() -> None:
    alone = [
        Preset().override(["optimizer.name=lamb"]),
        Preset().override(["optimizer.name=lamb"]),
        Preset().override(["runtime.precision=bf16"]),
        Preset().override(["runtime.data_loading=dataloader"]),
        Preset().override(["model.name=module", "model.function=a:b"]),
    ]
    found = group(alone)
    assert [each.members for each in found] == [[0], [1], [2], [3], [4]]
    assert [each.why_alone for each in found] == [
        "optimizer.name = 'lamb' is not written for stacked weights",
        "optimizer.name = 'lamb' is not written for stacked weights",
        "runtime.precision = 'bf16' is trained one by one",
        "samples that are read batch by batch are trained one by one",
        "a model of your own may do what cannot be done for stacked weights",
    ]
