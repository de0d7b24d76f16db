"""Evaluating where the scores of a split are too many to be kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.errors import PresetError
from workbench.training import evaluation
from workbench.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]


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
    kept = trainer._held_out._evaluator.evaluate(trainer.job.validation, lambda: False)
    monkeypatch.setattr(evaluation, "KEPT_SCORES", 10)
    dropped = trainer._held_out._evaluator.evaluate(trainer.job.validation, lambda: False)
    assert kept is not None
    assert dropped is not None
    assert kept["roc_auc"] is not None
    assert dropped.pop("loss") == pytest.approx(kept.pop("loss"), rel=1e-6)
    assert dropped == kept | {"roc_auc": None}


def test_the_area_cannot_tell_the_best_epoch_where_scores_are_not_kept(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "KEPT_SCORES", 10)
    with pytest.raises(PresetError, match=r'training.monitor = "roc_auc" needs all scores'):
        make_trainer("training.monitor=roc_auc")
