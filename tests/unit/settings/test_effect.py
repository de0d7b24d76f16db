"""A setting without effect is known as such by what is chosen besides, and truly changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from workbench.data.samples import InMemory, Samples, Task
from workbench.settings import library
from workbench.settings.base import Conditions, Settings
from workbench.settings.effect import chosen_of, condition_in_words, conditions_of, lacks, without_effect
from workbench.settings.explain import PLAIN_TABLES
from workbench.settings.optimizer import Nadam, Radam, Sgd
from workbench.settings.optimizer_choice import OptimizerChoice
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.schedule import Constant
from workbench.settings.text_data import Topics
from workbench.settings.validation import HoldOut


def declared() -> Iterator[tuple[str, str, type[Settings], Conditions]]:
    """Each condition that a declaration names: table, key (empty for a family), model, conditions."""
    for name, family in FAMILIES.items():
        yield name, "", family.default, family.only_if
        for choice in family.choices:
            yield from ((name, *rest) for rest in _of(choice))
    for name, model in PLAIN_TABLES.items():
        yield from ((name, *rest) for rest in _of(model))


def _of(model: type[Settings]) -> Iterator[tuple[str, type[Settings], Conditions]]:
    for key, info in model.model_fields.items():
        yield key, model, conditions_of(info)


def models_of(table: str) -> list[type[Settings]]:
    return list(FAMILIES[table].choices) if table in FAMILIES else [PLAIN_TABLES[table]]


def test_conditions_name_settings_and_properties_that_exist_and_values_that_can_be() -> None:
    checked = 0
    for table, key, model, conditions in declared():
        for path, values in conditions.items():
            place, _, name = path.rpartition(".")
            owners = [model] if not place else models_of(place)
            assert any(name in owner.model_fields or hasattr(owner, name) for owner in owners), f"{table}.{key}: {path}"
            for owner in owners:
                info = owner.model_fields.get(name)
                options = getattr(info.annotation, "__args__", None) if info is not None else None
                assert not options or set(values) <= set(options), f"{table}.{key}: {path} is never {values}"
            assert condition_in_words(path, values).startswith("only ")
            checked += 1
    assert checked > 50


def needs(preset: Preset, path: str) -> str:
    """What a setting of a preset lacks to have an effect."""
    tables = {name: type(getattr(preset, name)) for name in (*FAMILIES, *PLAIN_TABLES)}
    chosen = chosen_of({name: (model, getattr(preset, name).model_dump()) for name, model in tables.items()})
    table, _, key = path.partition(".")
    if not key:
        return lacks(FAMILIES[table].only_if, table, chosen)
    return lacks(conditions_of(tables[table].model_fields[key]), table, chosen)


CSV = ["data.name=csv", "data.file=x.csv", "data.target=y"]
TABLE = ["data.name=text_table", "data.file=x.csv", "data.target=y"]


@pytest.mark.parametrize(
    ("assignments", "path", "words"),
    [
        ([], "data.normalize_target", "only for regression"),
        (["data.name=diabetes", "loss.name=mse"], "data.normalize_target", ""),
        (
            ["data.name=diabetes", "loss.name=mse"],
            "loss.label_smoothing",
            "only for classification or language modeling",
        ),
        (["data.name=diabetes", "loss.name=mse"], "validation.stratified", "only for classification"),
        (CSV, "data.normalize_target", ""),
        ([*CSV, "data.task=classification"], "data.normalize_target", "only for regression"),
        ([], "schedule.warmup_start", "only with warmup epochs"),
        (["schedule.warmup_epochs=2"], "schedule.warmup_start", ""),
        (["optimizer.name=sgd"], "optimizer.dampening", ""),
        (["optimizer.name=sgd", "optimizer.momentum=0"], "optimizer.dampening", "only with momentum"),
        (["optimizer.name=lion", "optimizer.weight_decay=0.1"], "optimizer.fixed_decay", ""),
        (
            ["optimizer.name=lion", "optimizer.weight_decay=0.1", "optimizer.weight_decouple=false"],
            "optimizer.fixed_decay",
            "only if weight decay is decoupled",
        ),
        (["model.hidden=[]"], "activation", "only with hidden layers"),
        (["model.hidden=[]"], "model.dropout", "only with hidden layers"),
        ([], "activation", ""),
        (["model.name=cnn"], "activation", ""),
        (TABLE, "data.vocabulary", ""),
        ([*TABLE, "data.tokens=bytes"], "data.vocabulary", "only with tokens words or characters or bpe"),
        ([*TABLE, "data.tokens=bpe", "data.tokenizer=t.json"], "data.vocabulary", "only without a tokenizer file"),
        (
            [*TABLE, "runtime.data_loading=dataloader"],
            "data.group_by_length",
            "only with data loading auto or on device",
        ),
        (["data.name=topics"], "validation.fraction", "only for data other than one long text"),
        (["data.name=topics"], "validation.test_fraction", "only for data without a test split of its own"),
        (["data.name=mnist"], "validation.test_fraction", "only for data without a test split of its own"),
        ([], "validation.test_fraction", ""),
        (["data.name=topics", "data.sample_tokens=0"], "data.top_k", "only with sample tokens"),
        (["data.name=spoken_digits"], "data.coefficients", "only with encoding mfcc"),
        (["data.name=spoken_digits", "data.encoding=waveform"], "data.mels", "only with encoding log mel or mfcc"),
        (["validation.method=leave_one_out"], "training.monitor", "only where validation can choose the best epoch"),
        (["validation.method=k_fold"], "training.monitor", ""),
        (["runtime.data_loading=on_device"], "runtime.num_workers", "only with data loading auto or dataloader"),
    ],
)
def test_what_a_setting_lacks_is_said(assignments: list[str], path: str, words: str) -> None:
    assert needs(Preset().override(assignments), path) == words


def test_what_was_set_without_effect_is_said_and_nothing_else() -> None:
    assert without_effect(Preset()) == []
    preset = Preset().override(
        [
            *("optimizer.name=sgd", "optimizer.momentum=0", "optimizer.dampening=0.5"),
            *("model.hidden=[]", "activation.name=leaky_relu", "activation.negative_slope=0.2"),
        ]
    )
    assert without_effect(preset) == [
        'activation.name = "leaky_relu" has no effect here: only with hidden layers',
        "activation.negative_slope = 0.2 has no effect here: only with hidden layers",
        "optimizer.dampening = 0.5 has no effect here: only with momentum",
    ]


@pytest.mark.parametrize("name", library.names())
def test_no_shipped_preset_sets_anything_without_effect(name: str) -> None:
    assert without_effect(library.load(name)) == []


def after_a_step(choice: OptimizerChoice) -> torch.Tensor:
    """A weight after two steps."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = choice.build([weight])
    for _ in range(2):
        weight.grad = weight.detach() * 0.5 + 1
        optimizer.step()
    return weight.detach()


@pytest.mark.parametrize(
    ("without", "other"),
    [
        (Sgd(momentum=0.0), Sgd(momentum=0.0, dampening=0.7)),
        (Nadam(), Nadam(decoupled_weight_decay=True)),
        (Radam(), Radam(decoupled_weight_decay=True)),
    ],
)
def test_a_setting_of_an_optimizer_without_effect_changes_no_step(
    without: OptimizerChoice, other: OptimizerChoice
) -> None:
    assert torch.equal(after_a_step(without), after_a_step(other))


def test_the_start_of_a_warm_up_of_no_epochs_changes_no_rate() -> None:
    positions = [0.0, 0.5, 3.0]
    one, other = Constant().build(5), Constant(warmup_start=0.5).build(5)
    assert [one.factor(at) for at in positions] == [other.factor(at) for at in positions] == [1.0, 1.0, 1.0]


def test_the_split_of_one_long_text_does_not_depend_on_settings_of_the_validation() -> None:
    ids = torch.arange(40).reshape(20, 2)
    task = Task("language_modeling", 50)
    samples = Samples(
        InMemory(ids, ids),
        task,
        validation=InMemory(ids[:3], ids[:3]),
        test=InMemory(ids[3:5], ids[3:5]),
        is_one_text=True,
    )
    other = HoldOut(fraction=0.4, test_fraction=0.3, stratified=False, seed=7).build(samples)
    for split in ("train", "validation", "test"):
        assert torch.equal(getattr(HoldOut().build(samples), split).inputs, getattr(other, split).inputs)
    assert (Topics().is_one_text, Topics().brings_test) == (True, True)
