"""Validation, the best epoch and the test."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.unit.training.iris import ALONE, STEPS_PER_EPOCH, MakeTrainer, Results, saved_weights, weights
from tests.unit.training.scripted import (
    of_type,
    poll_after_every_step,
)
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.settings.preset import Preset
from workbench.training.batches import Batch
from workbench.training.timing.clock import PhaseClock


def test_the_best_epochs_weights_are_those_that_are_tested(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer("training.epochs=4")
    results = Results(monkeypatch, trainer, [0.5, 0.9, 0.9, 0.7], "accuracy")
    trainer.train()
    assert results.seen == ["validation"] * 4 + ["test"]
    assert torch.equal(results.weights[4], results.weights[1])
    assert not torch.equal(results.weights[4], results.weights[3])
    assert [end.best for end in of_type(trainer, events.EpochEnd)] == [True, True, False, False]
    [test] = of_type(trainer, events.TestResult)
    assert test.weights == "best epoch 2"
    assert test.metrics == trainer.test_metrics
    assert trainer.state.best_epoch == 2
    assert trainer.state.best_value == 0.9
    assert trainer.state.best_validation is not None
    assert trainer.state.best_validation["accuracy"] == 0.9


def test_without_best_weights_the_last_are_tested(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer("training.epochs=2", "training.keep_best=false")
    results = Results(monkeypatch, trainer, [0.9, 0.5], "accuracy")
    trainer.train()
    assert torch.equal(results.weights[2], results.weights[1])
    [test] = of_type(trainer, events.TestResult)
    assert test.weights == "last epoch 2"
    assert not best_checkpoint(trainer.run).exists()


def test_the_last_checkpoint_holds_the_last_weights_and_the_best_the_best(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer("training.epochs=3")
    results = Results(monkeypatch, trainer, [0.5, 0.9, 0.7], "accuracy")
    trainer.train()
    for path, epoch in ((best_checkpoint(trainer.run), 2), (trainer.run.last_checkpoint, 3)):
        trainer.job.model.load_state_dict(saved_weights(path))
        assert torch.equal(weights(trainer), results.weights[epoch - 1])


def test_a_metric_that_is_not_finite_is_never_the_best(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer("training.epochs=3", "training.monitor=f1_macro")
    Results(monkeypatch, trainer, [math.nan, 0.4, math.nan], "f1_macro")
    trainer.train()
    assert [end.best for end in of_type(trainer, events.EpochEnd)] == [False, True, False]


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_a_result_is_better_only_by_more_than_the_least_difference(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, monitor: str
) -> None:
    """Less is better for a loss, more for an accuracy."""
    sign = -1 if monitor == "loss" else 1
    trainer = make_trainer(
        "training.epochs=4", f"training.monitor={monitor}", "training.early_stopping_min_delta=0.125"
    )
    Results(monkeypatch, trainer, [2 + sign * gain for gain in (0.0, 0.125, 0.25, 0.0)], monitor)
    trainer.train()
    assert [end.best for end in of_type(trainer, events.EpochEnd)] == [True, False, True, False]


def test_training_stops_early_when_patience_is_out_and_says_so(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer("training.epochs=50", "training.early_stopping_patience=2")
    results = Results(monkeypatch, trainer, [0.5, 0.6, 0.6, 0.7, 0.7, 0.6], "accuracy")
    trainer.train()
    assert trainer.state.epoch == 6
    assert results.seen[-1] == "test"
    [detail] = [state.detail for state in of_type(trainer, events.State) if state.detail]
    assert detail == "stopped early: no better accuracy in 2 validations"
    assert not trainer.stopping  # it came to its end, nobody stopped it


def test_without_patience_training_never_stops_early(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer("training.epochs=6")
    Results(monkeypatch, trainer, [0.9, 0.1, 0.1, 0.1, 0.1, 0.1], "accuracy")
    trainer.train()
    assert trainer.state.epoch == 6


def test_patience_counts_validations_not_epochs(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer("training.epochs=50", "training.early_stopping_patience=2", "training.validate_every=3")
    Results(monkeypatch, trainer, [0.9, 0.1, 0.1], "accuracy")
    trainer.train()
    assert trainer.state.epoch == 9


def test_the_test_split_is_never_read_before_the_end(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_after_every_step(monkeypatch)
    trainer = make_trainer("training.epochs=3", *ALONE)
    read: list[tuple[int, int]] = []
    assert trainer.job.test is not None
    genuine = trainer.job.test.batches

    def batches(order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        read.append((trainer.state.epoch, trainer.state.step))
        return genuine(order, clock)

    monkeypatch.setattr(trainer.job.test, "batches", batches)
    trainer.train()
    assert read == [(3, 3 * STEPS_PER_EPOCH)]


def test_no_sample_is_in_two_splits() -> None:
    samples = Preset().override(["data.name=digits"]).data.build(lambda progress: None)
    splits = Preset().validation.build(samples)
    assert splits.validation is not None
    assert splits.test is not None
    parts = [splits.train, splits.validation, splits.test]
    assert sum(len(part) for part in parts) == len(samples.train)


def test_validation_comes_every_few_epochs_and_after_the_last(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=5", "training.validate_every=2")
    trainer.train()
    ends = of_type(trainer, events.EpochEnd)
    assert [end.epoch for end in ends if end.validation is not None] == [2, 4, 5]
    assert not any(end.best for end in ends if end.validation is None)
    assert all(end.train["loss"] > 0 for end in ends)


def test_without_validation_the_training_samples_decide_the_best_epoch(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("validation.method=none", "training.monitor=loss", "training.epochs=4")
    trainer.train()
    ends = of_type(trainer, events.EpochEnd)
    assert all(end.validation is None for end in ends)
    assert all(state.state != "validating" for state in of_type(trainer, events.State))
    losses = [end.train["loss"] for end in ends]
    assert trainer.state.best_value == min(losses)
    assert [end.best for end in ends] == [loss < min([math.inf, *losses[:i]]) for i, loss in enumerate(losses)]
    assert trainer.test_metrics is not None


def test_without_a_test_split_nothing_is_tested(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("validation.test_fraction=0")
    trainer.train()
    assert of_type(trainer, events.TestResult) == []
    assert trainer.test_metrics is None


def test_validating_leaves_dropout_and_batch_norm_as_training_wants_them(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("model.dropout=0.5", "model.batch_norm=true", "training.epochs=1", *ALONE)
    modes: list[bool] = []
    trainer.job.model.register_forward_hook(lambda module, inputs, output: modes.append(module.training))
    trainer.train()
    assert modes == [True] * STEPS_PER_EPOCH + [False] * 2
    assert trainer.job.model.training


def test_metrics_of_a_regression_are_in_the_datas_own_units(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("data.name=diabetes", "loss.name=mse", "data.batch_size=64", "training.epochs=4")
    trainer.train()
    splits = trainer.job.preset.validation.build(trainer.job.samples)
    assert splits.test is not None
    assert splits.test.targets is not None
    assert splits.train.targets is not None
    targets, trained = splits.test.targets.double(), splits.train.targets.double()
    assert trainer.job.test is not None
    batches = list(trainer.job.test.batches(torch.arange(len(targets)), PhaseClock()))
    with torch.no_grad():
        scores = trainer.job.model.eval()(torch.cat([batch.tensor for batch in batches])).double()
    errors = scores * trained.std(0, correction=0) + trained.mean(0) - targets
    found = trainer.test_metrics
    assert found is not None
    assert found["mae"] == pytest.approx(float(errors.abs().mean()), rel=1e-4)
    assert found["rmse"] == pytest.approx(float(errors.square().mean().sqrt()), rel=1e-4)
    assert found["r2"] == pytest.approx(
        1 - float(errors.square().sum() / (targets - targets.mean()).square().sum()), rel=1e-3
    )
    assert found["mae"] > 10  # progression is a number of 25 to 346
    [end, *_] = of_type(trainer, events.EpochEnd)
    assert set(end.train) == {"loss"}


def test_the_loss_of_a_split_does_not_depend_on_how_it_is_batched(make_trainer: MakeTrainer) -> None:
    """Nor where classes have weights: then a mean over the samples weighs each by its class."""
    for weighting in ("equal", "balanced"):
        losses = []
        for batching in (
            ["runtime.data_loading=on_device"],
            ["runtime.data_loading=dataloader", "runtime.num_workers=0"],
        ):
            trainer = make_trainer(
                *batching, f"loss.class_weights={weighting}", "data.name=wine", "validation.stratified=false"
            )
            trainer.train()
            assert trainer.test_metrics is not None
            losses.append(trainer.test_metrics["loss"])
        assert losses[1] == pytest.approx(losses[0], rel=1e-5), weighting
