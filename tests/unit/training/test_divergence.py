"""What the trainer does when a loss or a weight is not a finite number."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from torch import Tensor
from torch.nn import functional as F

from tests.unit.training.iris import ALONE, CPU, MakeTrainer, Results, saved_weights
from tests.unit.training.scripted import (
    logged_losses,
)
from workbench.errors import DivergedError
from workbench.runs.checkpoints import best_checkpoint
from workbench.settings.loss import CrossEntropy
from workbench.training import poll_schedule
from workbench.training.checkpointing import files as checkpoints
from workbench.training.engines.engine import StepsRun
from workbench.training.trainer import Trainer


def lose_at(patch: pytest.MonkeyPatch, step: int, value: float) -> None:
    """Makes the loss of one training step `value`."""
    steps = itertools.count(1)

    def build(choice: CrossEntropy, counts: Tensor | None) -> Callable[[Tensor, Tensor], Tensor]:
        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            genuine = F.cross_entropy(scores, targets)
            return genuine * value if scores.requires_grad and next(steps) == step else genuine

        return loss

    patch.setattr(CrossEntropy, "build", build)


def ruin_weights_at(patch: pytest.MonkeyPatch, trainer: Trainer, step: int) -> None:
    """Makes one optimizer step leave weights that are NaN, as a gradient that overflows does; with any engine."""
    genuine = trainer.engine.run_steps

    def ruin(first: int) -> StepsRun:
        run = genuine(first)
        if first <= step < first + run.steps:
            for parameter in trainer.job.model.parameters():
                parameter.data.fill_(math.nan)
        return run

    patch.setattr(trainer.engine, "run_steps", ruin)


@pytest.mark.usefixtures("at_every_step")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_training_at_its_step(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    lose_at(monkeypatch, 11, value)
    trainer = make_trainer("training.epochs=9", *ALONE)
    with pytest.raises(DivergedError, match="the loss at step 11 is not a finite number") as diverged:
        trainer.train()
    assert (diverged.value.what, diverged.value.step) == ("loss", 11)
    assert trainer.state.step == 11
    logged = logged_losses(trainer)
    assert sorted(logged) == list(range(1, 12))
    assert not math.isfinite(logged[11])
    assert math.isfinite(logged[10])


def test_a_loss_that_is_not_finite_is_found_however_seldom_the_trainer_polls(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll_schedule, "POLL_SECONDS", 3600.0)
    lose_at(monkeypatch, 3, math.nan)
    with pytest.raises(DivergedError, match="step 3 "):
        make_trainer(*ALONE).train()


@pytest.mark.usefixtures("at_every_step")
def test_the_last_good_checkpoint_survives_divergence(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_at(monkeypatch, 5, math.nan)
    trainer = make_trainer("training.checkpoint_seconds=0", "training.keep_best=false", *ALONE)
    with pytest.raises(DivergedError) as diverged:
        trainer.train()
    saved = checkpoints.load(trainer.run.last_checkpoint, CPU)
    assert saved["position"]["step"] == 4
    assert all(bool(tensor.isfinite().all()) for tensor in saved["model"].values())
    assert str(trainer.run.last_checkpoint) in str(diverged.value)


@pytest.mark.usefixtures("at_every_step")
def test_divergence_keeps_the_best_epochs_weights_and_says_so(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_at(monkeypatch, 9, math.nan)
    trainer = make_trainer(*ALONE)
    with pytest.raises(DivergedError, match=r"best epoch, 1, are kept in checkpoints/best\.pt"):
        trainer.train()
    assert checkpoints.load(best_checkpoint(trainer.run), CPU)["epoch"] == 1
    assert all(bool(tensor.isfinite().all()) for tensor in saved_weights(best_checkpoint(trainer.run)).values())


def test_divergence_before_any_checkpoint_says_that_there_is_none(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_at(monkeypatch, 2, math.nan)
    trainer = make_trainer(*ALONE)
    with pytest.raises(DivergedError, match="no checkpoint had been written yet"):
        trainer.train()
    assert not trainer.run.last_checkpoint.exists()


def test_divergence_says_what_to_try(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(
        "data.name=diabetes",
        "loss.name=mse",
        "optimizer.name=sgd",
        "optimizer.learning_rate=1000",
        "activation.name=identity",
    )
    with pytest.raises(
        DivergedError, match=r"optimizer\.learning_rate.*training\.gradient_clip_norm.*schedule\.warmup_epochs"
    ):
        trainer.train()


@pytest.mark.usefixtures("at_every_step")
def test_a_checkpoint_never_holds_weights_that_are_not_finite(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that ruins the weights has a finite loss: it is the next one's that is not."""
    trainer = make_trainer("training.checkpoint_seconds=0", "training.keep_best=false")
    ruin_weights_at(monkeypatch, trainer, 5)
    with pytest.raises(DivergedError, match=r"a weight after step 5 .*last good checkpoint") as diverged:
        trainer.train()
    assert (diverged.value.what, diverged.value.step) == ("weight", 5)
    saved = saved_weights(trainer.run.last_checkpoint)
    assert all(bool(tensor.isfinite().all()) for tensor in saved.values())


def test_a_run_whose_last_step_ruins_the_weights_is_not_completed(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a validation that would notice."""
    trainer = make_trainer("training.epochs=1", "validation.method=none")
    ruin_weights_at(monkeypatch, trainer, trainer.job.steps_per_epoch)
    with pytest.raises(DivergedError):
        trainer.train()


def test_a_validation_loss_that_is_not_finite_is_divergence(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer()
    Results(monkeypatch, trainer, [0.5, math.nan], "loss")
    with pytest.raises(DivergedError, match="the validation loss after step 14 is not a finite number") as diverged:
        trainer.train()
    assert (diverged.value.what, diverged.value.step) == ("validation loss", 14)
