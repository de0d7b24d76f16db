"""Evaluating batch by batch, and where the scores of a split are too many to be kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from workbench.errors import PresetError
from workbench.settings.loss import CrossEntropy
from workbench.training import evaluation
from workbench.training.accumulators import MeanLoss
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]


def loss_at_once(trainer: Trainer) -> float:
    """The loss of the validation split as one batch."""
    job = trainer.job
    assert job.validation is not None
    job.model.eval()
    with torch.no_grad():
        batches = list(job.validation.batches(torch.arange(len(job.validation)), PhaseClock()))
        scores = torch.cat([job.model(batch.inputs) for batch in batches])
        return float(job.loss(scores, torch.cat([batch.targets for batch in batches])))


def test_a_split_in_which_no_class_has_a_weight_has_no_loss_to_speak_of() -> None:
    choice = CrossEntropy(class_weights=(0.0, 1.0))
    counts = torch.tensor([5, 5])
    loss = MeanLoss(choice.build(counts), choice.batch_weight(counts))
    scores, weightless = torch.randn(4, 2), torch.zeros(4, dtype=torch.int64)
    loss.update(scores, weightless)
    assert loss.compute() == 0.0
    more = torch.tensor([1, 0, 1])
    loss.update(scores[:3], more)
    expected = choice.build(counts)(torch.cat([scores, scores[:3]]), torch.cat([weightless, more]))
    assert loss.compute() == pytest.approx(float(expected))


@pytest.mark.parametrize(
    "loss",
    [
        ["loss.name=cross_entropy", "loss.class_weights=[1.0, 5.0, 0.5]", "loss.label_smoothing=0.1"],
        ["loss.name=cross_entropy", "loss.class_weights=balanced"],
        ["loss.name=kl_divergence"],
        ["loss.name=binary_cross_entropy"],
        ["loss.name=mse"],
    ],
)
def test_scores_that_are_too_many_to_be_kept_leave_out_the_area_and_change_nothing_else(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, loss: list[str]
) -> None:
    """data/REPORT 36, reliability R14: metrics within memory at any number of classes."""
    trainer = make_trainer(*loss, "validation.fraction=0.4", "data.batch_size=7")
    assert trainer.job.validation is not None
    kept = trainer._held_out._evaluator.evaluate(trainer.job.validation, "validation", lambda: False)
    assert kept is not None
    assert kept["loss"] == pytest.approx(loss_at_once(trainer), rel=1e-6)
    monkeypatch.setattr(evaluation, "KEPT_SCORES", 10)
    dropped = trainer._held_out._evaluator.evaluate(trainer.job.validation, "validation", lambda: False)
    assert dropped is not None
    assert kept["roc_auc"] is not None
    assert dropped == kept | {"roc_auc": None}


def test_the_area_cannot_tell_the_best_epoch_where_scores_are_not_kept(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "KEPT_SCORES", 10)
    with pytest.raises(PresetError, match=r'training.monitor = "roc_auc" needs all scores'):
        make_trainer("training.monitor=roc_auc")
