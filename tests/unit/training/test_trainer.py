"""The epoch loop: what is trained, validated, tested and told when, and how requests and failures are met."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.unit.training.conftest import SMALL, events_of
from tests.unit.training.scripted import (
    CHECKPOINT,
    PAUSE,
    RESUME,
    STOP,
    asked_at,
    asked_while,
    at_the_test,
    at_validation,
    logged_losses,
    look_up_after_every_step,
    new_trainer,
    of_type,
)
from workbench.errors import DivergedError, PresetError, RunDeletedError
from workbench.runs import events
from workbench.runs.control import Request, ask
from workbench.runs.directory import create_run
from workbench.runs.status import read_summary
from workbench.runs.writer import EventWriter
from workbench.settings.loss import CrossEntropy
from workbench.settings.preset import Preset
from workbench.training import poll_schedule, requests
from workbench.training.batches import Batch, BatchSource
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.files import best_checkpoint
from workbench.training.epoch_order import epoch_order
from workbench.training.evaluation import Evaluator
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.processes.worker import _Worker
from workbench.training.timing import time_account
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

CPU = torch.device("cpu")
ALONE = ("runtime.engine=eager", "runtime.measure=false")
"""For tests whose model or loss is watched or changed while it trains: a trace would not see that, and measuring calls
them as well."""
STEPS_PER_EPOCH = 7  # iris: 109 training samples in batches of 16

MakeTrainer = Callable[..., Trainer]


def weights(trainer: Trainer) -> Tensor:
    """All parameters in one vector, copied."""
    return torch.nn.utils.parameters_to_vector(trainer.job.model.parameters()).detach().clone()


def saved_weights(path: Path) -> dict[str, Tensor]:
    model: dict[str, Tensor] = checkpoints.load(path, CPU)["model"]
    return model


# What a run tells.


def test_a_run_tells_what_happened_in_order(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.train()
    told = [
        event for event in events_of(trainer) if not isinstance(event, (events.Timing, events.Memory, events.Footprint))
    ]
    lines = [f"{event.type} {getattr(event, 'state', getattr(event, 'file', ''))}".strip() for event in told]
    lines = [line for line, _ in itertools.groupby(lines)]  # how many looks an epoch takes is a matter of time
    epoch = ["state training", "steps", "state validating", "epoch"]
    saved = ["checkpoint checkpoints/best.pt", "checkpoint checkpoints/last.pt"]
    assert lines == [*epoch, *epoch, *saved, "state testing", "test"]
    assert [event.time for event in told] == sorted(event.time for event in told)


def test_every_step_is_logged_exactly_once(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up_after_every_step(monkeypatch)
    trainer = make_trainer("training.epochs=3")
    trainer.train()
    logged = of_type(trainer, events.Steps)
    steps = [event.first_step + offset for event in logged for offset in range(len(event.losses))]
    assert steps == list(range(1, 3 * STEPS_PER_EPOCH + 1))
    assert [event.epoch for event in logged] == pytest.approx([step / STEPS_PER_EPOCH for step in steps], abs=1e-6)
    assert [event.seconds for event in logged] == sorted(event.seconds for event in logged)


def test_looking_up_more_often_changes_no_loss(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    seldom = make_trainer("model.dropout=0.3")
    seldom.train()
    look_up_after_every_step(monkeypatch)
    often = make_trainer("model.dropout=0.3")
    often.train()
    assert logged_losses(often) == logged_losses(seldom)


def test_steps_carry_the_learning_rate_of_their_last_step(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up_after_every_step(monkeypatch)
    trainer = make_trainer("schedule.name=cosine", "optimizer.learning_rate=0.5")
    trainer.train()
    rates = [event.learning_rate for event in of_type(trainer, events.Steps)]
    total = 2 * STEPS_PER_EPOCH
    assert rates == pytest.approx([0.25 * (1 + math.cos(math.pi * step / total)) for step in range(total)])


def test_epochs_are_counted_from_one_with_their_steps_and_losses(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=3")
    trainer.train()
    ends = of_type(trainer, events.EpochEnd)
    assert [(end.epoch, end.step) for end in ends] == [(1, 7), (2, 14), (3, 21)]
    losses = logged_losses(trainer)
    for end in ends:
        own = [losses[step] for step in range(end.step - 6, end.step + 1)]
        expected = (16 * sum(own[:-1]) + 13 * own[-1]) / 109
        assert end.train["loss"] == pytest.approx(expected, rel=1e-6)
        assert 0 <= end.train["accuracy"] <= 1
    assert trainer.last_epoch is not None
    assert trainer.last_epoch.epoch == 3


def test_train_accuracy_is_that_of_the_scores_as_they_were_trained_on(make_trainer: MakeTrainer) -> None:
    """With a learning rate of next to nothing they are those of the model at the end."""
    trainer = make_trainer("training.epochs=1", "optimizer.learning_rate=1e-12", "training.keep_best=false")
    trainer.train()
    [end] = of_type(trainer, events.EpochEnd)
    batches = list(trainer.job.train.batches(torch.arange(109), PhaseClock()))
    with torch.no_grad():
        hits = sum(int((trainer.job.model(batch.tensor).argmax(1) == batch.targets).sum()) for batch in batches)
    assert end.train["accuracy"] == pytest.approx(hits / 109)


def test_an_epoch_tells_the_learning_rate_of_its_last_step_also_where_the_plateau_lowers_it(
    make_trainer: MakeTrainer,
) -> None:
    trainer = make_trainer(
        "schedule.name=plateau", "schedule.patience=0", "schedule.threshold=0.9", "training.epochs=3"
    )
    trainer.train()
    ends, logged = of_type(trainer, events.EpochEnd), of_type(trainer, events.Steps)
    rates = {event.first_step + len(event.losses) - 1: event.learning_rate for event in logged}
    assert [end.learning_rate for end in ends] == [rates[end.step] for end in ends]
    assert ends[-1].learning_rate < ends[0].learning_rate


def test_events_are_strict_json(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.train()
    for line in trainer.run.events.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_timing_and_memory_are_told_at_the_end_of_the_shortest_run(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.train()
    timings, memories = of_type(trainer, events.Timing), of_type(trainer, events.Memory)
    assert sum(timing.steps for timing in timings) == 2 * STEPS_PER_EPOCH
    assert all(timing.timed_steps == timing.steps for timing in timings)
    for timing in timings:
        assert set(timing.phase_ms) == {"data", "forward", "backward", "metrics", "optimizer", "rest"}
        assert set(timing.step_ms) == {"p50", "p95", "p99", "max"}
    assert all(memory.torch_peak_bytes is None for memory in memories)
    assert memories[-1].host_rss_bytes is not None
    assert trainer.reporter.host_peak_rss_bytes is not None
    for memory in memories:
        assert not any(value == 0 for gpu in memory.gpus for name, value in gpu.items() if name == "total_bytes")


def test_without_measuring_there_are_no_phases_and_no_memory(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("runtime.measure=false")
    trainer.train()
    assert of_type(trainer, events.Memory) == []
    assert all(timing.phase_ms == timing.step_ms == {} for timing in of_type(trainer, events.Timing))
    assert sum(timing.steps for timing in of_type(trainer, events.Timing)) == 2 * STEPS_PER_EPOCH


# Validation, the best epoch, the test.


class Results:
    """Validations whose results a test chooses, and all evaluations in order."""

    def __init__(self, patch: pytest.MonkeyPatch, trainer: Trainer, monitored: list[float], name: str) -> None:
        self.trainer = trainer
        self.seen: list[str] = []
        self.weights: list[Tensor] = []
        self._values = iter(monitored)
        self._name = name
        genuine = Evaluator.evaluate

        def evaluate(evaluator: Evaluator, feed: BatchSource, interrupted: Callable[[], bool]) -> dict[str, Any] | None:
            self.weights.append(weights(trainer))
            found = genuine(evaluator, feed, interrupted)
            if feed is trainer.job.test:
                self.seen.append("test")
                return found
            self.seen.append("validation")
            assert found is not None
            return found | {self._name: next(self._values)}

        patch.setattr(Evaluator, "evaluate", evaluate)


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


def test_a_metric_that_is_no_number_is_never_the_best(
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
    look_up_after_every_step(monkeypatch)
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


def test_validation_is_every_so_many_epochs_and_after_the_last(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=5", "training.validate_every=2")
    trainer.train()
    ends = of_type(trainer, events.EpochEnd)
    assert [end.epoch for end in ends if end.validation is not None] == [2, 4, 5]
    assert not any(end.best for end in ends if end.validation is None)
    assert all(end.train["loss"] > 0 for end in ends)


def test_without_validation_the_training_samples_tell_the_best_epoch(make_trainer: MakeTrainer) -> None:
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


# Requests.


def obeyed(trainer: Trainer) -> list[tuple[str, int, bool]]:
    return [(event.command, event.step, event.accepted) for event in of_type(trainer, events.RequestHandled)]


@pytest.fixture
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up_after_every_step(monkeypatch)


@pytest.mark.usefixtures("at_every_step")
def test_requests_come_from_the_runs_control_file(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    ask(trainer.run, "set_learning_rate", 0.25)
    ask(trainer.run, "checkpoint")
    ask(trainer.run, "stop")
    trainer.train()
    assert obeyed(trainer) == [("set_learning_rate", 1, True), ("checkpoint", 1, True), ("stop", 1, True)]
    assert trainer.base_learning_rate == 0.25
    assert trainer.stopping


@pytest.mark.usefixtures("at_every_step")
def test_stop_ends_after_the_step_with_everything_saved(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, ["training.epochs=9"], asked_at(10, [STOP]))
    trainer.train()
    assert trainer.stopping
    assert (trainer.state.step, trainer.state.epoch) == (10, 1)
    assert sorted(logged_losses(trainer)) == list(range(1, 11))
    saved = checkpoints.load(trainer.run.last_checkpoint, CPU)
    assert (saved["position"]["step"], saved["position"]["samples_done"]) == (10, 48)
    assert best_checkpoint(trainer.run).exists()
    assert of_type(trainer, events.TestResult) == []
    assert obeyed(trainer) == [("stop", 10, True)]


@pytest.mark.usefixtures("at_every_step")
def test_stop_while_validating_leaves_the_epoch_to_be_validated_again(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_while(at_validation, [STOP]))
    trainer.train()
    assert (trainer.state.step, trainer.state.epoch) == (7, 0)
    assert of_type(trainer, events.EpochEnd) == []


@pytest.mark.usefixtures("at_every_step")
def test_stop_while_testing_tests_nothing(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_while(at_the_test, [STOP]))
    trainer.train()
    assert trainer.stopping
    assert of_type(trainer, events.TestResult) == []
    assert trainer.test_metrics is None


@pytest.mark.usefixtures("at_every_step")
def test_nothing_is_trained_between_pause_and_resume(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [], [], [RESUME]))
    trainer.train()
    assert obeyed(trainer) == [("pause", 3, True), ("resume", 3, True)]
    told = [
        (event.state, event.step)
        for event in of_type(trainer, events.State)
        if event.step == 3 or event.state == "paused"
    ]
    assert told == [("paused", 3), ("training", 3)]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_a_paused_run_takes_other_requests(tmp_path: Path) -> None:
    rate = Request("set_learning_rate", 0.5)
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [CHECKPOINT], [rate], [RESUME]))
    trainer.train()
    assert [command for command, *_ in obeyed(trainer)] == ["pause", "checkpoint", "set_learning_rate", "resume"]
    assert {step for _, step, _ in obeyed(trainer)} == {3}
    assert of_type(trainer, events.Checkpointed)[0].step == 3
    assert trainer.base_learning_rate == 0.5


@pytest.mark.usefixtures("at_every_step")
def test_stop_ends_a_pause(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [], [STOP]))
    trainer.train()
    assert (trainer.stopping, trainer.state.step) == (True, 3)


@pytest.mark.usefixtures("at_every_step")
def test_a_pause_and_its_end_in_one_look_are_both_obeyed(tmp_path: Path) -> None:
    """Whoever asks for both within a tenth of a second must not leave the run paused forever."""
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE, RESUME]))
    trainer.train()
    assert obeyed(trainer) == [("pause", 3, True), ("resume", 3, True)]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_a_pause_and_a_stop_in_one_look_stop(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE, STOP]))
    trainer.train()
    assert (trainer.stopping, trainer.state.step) == (True, 3)
    assert ("stop", 3, True) in obeyed(trainer)


@pytest.mark.usefixtures("at_every_step")
def test_every_request_is_answered_also_a_second_pause(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [PAUSE], [RESUME]))
    trainer.train()
    assert [command for command, *_ in obeyed(trainer)] == ["pause", "pause", "resume"]


@pytest.mark.usefixtures("at_every_step")
def test_an_end_of_a_pause_and_a_new_pause_in_one_look_leave_the_run_paused(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [RESUME, PAUSE], [], [RESUME]))
    trainer.train()
    assert obeyed(trainer) == [(command, 3, True) for command in ("pause", "resume", "pause", "resume")]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_after_a_pause_the_run_says_what_it_goes_on_with(tmp_path: Path) -> None:
    for moment, state in ((at_validation, "validating"), (at_the_test, "testing")):
        trainer = new_trainer(tmp_path, ["training.epochs=1"], asked_while(moment, [PAUSE], [RESUME]))
        trainer.train()
        states = [event.state for event in of_type(trainer, events.State)]
        assert states[states.index("paused") + 1] == state


def test_a_pause_while_validating_is_booked_as_a_pause_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes only while the trainer waits."""
    look_up_after_every_step(monkeypatch)
    now = [1e9]  # later than all that the clock of training says

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(requests, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(time_account, "perf_counter", lambda: now[0])
    trainer = new_trainer(tmp_path, ["training.epochs=1"], asked_while(at_validation, [PAUSE], [], [], [RESUME]))
    trainer.train()
    assert trainer.times["paused"] == pytest.approx(3 * requests.PAUSED_POLL_SECONDS, abs=1e-6)
    assert trainer.times["validate"] == 0
    [end] = of_type(trainer, events.EpochEnd)
    assert end.validation_seconds == 0


@pytest.mark.usefixtures("at_every_step")
def test_a_new_learning_rate_holds_from_the_next_step_on(tmp_path: Path) -> None:
    plain = new_trainer(tmp_path, [])
    plain.train()
    changed = new_trainer(tmp_path, [], asked_at(5, [Request("set_learning_rate", 0.1)]))
    changed.train()
    before, after = logged_losses(plain), logged_losses(changed)
    # The loss of step 6 is computed before step 6 changes the weights.
    assert [after[step] for step in range(1, 7)] == [before[step] for step in range(1, 7)]
    assert all(after[step] != before[step] for step in range(7, 15))
    assert obeyed(changed) == [("set_learning_rate", 5, True)]
    [event] = of_type(changed, events.RequestHandled)
    assert event.detail == "0.1"
    rates = {steps.first_step: steps.learning_rate for steps in of_type(changed, events.Steps)}
    assert [rates[step] for step in range(1, 15)] == pytest.approx([0.001] * 5 + [0.1] * 9)


@pytest.mark.usefixtures("at_every_step")
def test_a_new_learning_rate_is_what_the_schedule_multiplies(tmp_path: Path) -> None:
    request = asked_at(1, [Request("set_learning_rate", 8.0)])
    trainer = new_trainer(tmp_path, ["schedule.name=step", "schedule.step_size=1", "schedule.gamma=0.5"], request)
    trainer.train()
    rates = {steps.first_step: steps.learning_rate for steps in of_type(trainer, events.Steps)}
    assert (rates[7], rates[8]) == (8.0, 4.0)


@pytest.mark.usefixtures("at_every_step")
@pytest.mark.parametrize("value", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_learning_rate_that_cannot_be_is_refused_with_the_reason(tmp_path: Path, value: float | None) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(2, [Request("set_learning_rate", value)]))
    trainer.train()
    [answer] = of_type(trainer, events.RequestHandled)
    assert not answer.accepted
    assert "above 0" in answer.detail
    assert trainer.base_learning_rate == 0.001


@pytest.mark.usefixtures("at_every_step")
def test_an_unknown_request_is_refused_by_name_and_training_goes_on(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(2, [Request("dance"), Request("not even JSON", 3.0)]))
    trainer.train()
    assert obeyed(trainer) == [("dance", 2, False), ("not even JSON", 2, False)]
    assert [answer.detail for answer in of_type(trainer, events.RequestHandled)] == [
        "unknown request 'dance'",
        "unknown request 'not even JSON'",
    ]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_a_checkpoint_that_is_asked_for_is_written_at_once(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(4, [CHECKPOINT]))
    trainer.train()
    first = of_type(trainer, events.Checkpointed)[0]
    assert (first.step, first.file) == (4, "checkpoints/last.pt")
    assert first.bytes > 0
    assert obeyed(trainer) == [("checkpoint", 4, True)]


@pytest.mark.usefixtures("at_every_step")
def test_a_checkpoint_that_is_asked_for_while_testing_holds_the_last_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model then holds the best epoch's, which are in a file of their own."""
    trainer = new_trainer(tmp_path, [], asked_while(at_the_test, [CHECKPOINT]))
    results = Results(monkeypatch, trainer, [0.9, 0.5], "accuracy")
    trainer.train()
    assert obeyed(trainer) == [("checkpoint", 14, True)]
    trainer.job.model.load_state_dict(saved_weights(trainer.run.last_checkpoint))
    assert torch.equal(weights(trainer), results.weights[1])


@pytest.mark.usefixtures("at_every_step")
def test_checkpoints_are_written_as_often_as_the_preset_says(tmp_path: Path) -> None:
    often = new_trainer(tmp_path, ["training.checkpoint_seconds=0"])
    often.train()
    steps = {event.step for event in of_type(often, events.Checkpointed)}
    assert steps == set(range(1, 2 * STEPS_PER_EPOCH + 1))
    seldom = new_trainer(tmp_path, ["training.checkpoint_seconds=3600"])
    seldom.train()
    files = [(event.step, event.file) for event in of_type(seldom, events.Checkpointed)]
    assert files == [(14, "checkpoints/best.pt"), (14, "checkpoints/last.pt")]


# Divergence.


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
    """Makes one optimizer step leave weights that are no numbers, as a gradient that overflows does."""
    steps, genuine = itertools.count(1), trainer.job.optimizer.step

    def ruin() -> None:
        genuine()
        if next(steps) == step:
            for parameter in trainer.job.model.parameters():
                parameter.data.fill_(math.nan)

    patch.setattr(trainer.job.optimizer, "step", ruin)


@pytest.mark.usefixtures("at_every_step")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_training_at_its_step(
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


def test_a_loss_that_is_no_number_is_found_however_seldom_the_trainer_looks(
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
def test_a_checkpoint_never_holds_weights_that_are_no_numbers(
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


def test_a_last_step_that_ruins_the_weights_is_no_completed_training(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a validation that would notice."""
    trainer = make_trainer("training.epochs=1", "validation.method=none")
    ruin_weights_at(monkeypatch, trainer, trainer.job.steps_per_epoch)
    with pytest.raises(DivergedError):
        trainer.train()


def test_a_validation_loss_that_is_no_number_is_divergence(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer()
    Results(monkeypatch, trainer, [0.5, math.nan], "loss")
    with pytest.raises(DivergedError, match="the validation loss after step 14 is not a finite number") as diverged:
        trainer.train()
    assert (diverged.value.what, diverged.value.step) == ("validation loss", 14)


# Steps and batches.


def losses_of(make_trainer: MakeTrainer, *assignments: str) -> tuple[list[float], Tensor]:
    trainer = make_trainer(*assignments)
    trainer.train()
    losses = logged_losses(trainer)
    return [losses[step] for step in sorted(losses)], weights(trainer)


@pytest.mark.parametrize("clip", ["training.gradient_clip_norm=0", "training.gradient_clip_norm=0.05"])
def test_two_batches_of_8_make_the_step_of_a_batch_of_16(make_trainer: MakeTrainer, clip: str) -> None:
    """The short last step of 13 samples too."""
    common = ["optimizer.name=sgd", "training.keep_best=false", clip]
    whole = losses_of(make_trainer, *common, "data.batch_size=16")
    halves = losses_of(make_trainer, *common, "data.batch_size=8", "training.gradient_accumulation=2")
    assert len(whole[0]) == 2 * STEPS_PER_EPOCH
    assert halves[0] == pytest.approx(whole[0], rel=1e-4)
    torch.testing.assert_close(halves[1], whole[1], rtol=1e-4, atol=1e-5)


def test_accumulation_counts_samples_and_hits_as_whole_batches_do(make_trainer: MakeTrainer) -> None:
    ends = []
    for batching in (["data.batch_size=16"], ["data.batch_size=4", "training.gradient_accumulation=4"]):
        trainer = make_trainer("optimizer.name=sgd", *batching)
        trainer.train()
        ends.append(of_type(trainer, events.EpochEnd)[-1])
    assert ends[1].step == ends[0].step
    assert ends[1].train["accuracy"] == pytest.approx(ends[0].train["accuracy"])
    assert ends[1].train["loss"] == pytest.approx(ends[0].train["loss"], rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bf16", "fp16"])
def test_clipping_bounds_the_step(make_trainer: MakeTrainer, precision: str) -> None:
    """Of plain gradient descent at a learning rate of 1, a step is as long as its gradient."""
    common = ["optimizer.name=sgd", "optimizer.momentum=0", "optimizer.learning_rate=1"]
    lengths: dict[float, float] = {}
    for clip in (0.0, 0.01):
        trainer = make_trainer(*common, f"training.gradient_clip_norm={clip}", f"runtime.precision={precision}")
        trainer.job.model.train()
        trainer.engine.start_epoch(torch.arange(16))
        before = weights(trainer)
        trainer.engine.run_steps(1)
        lengths[clip] = float((weights(trainer) - before).norm())
    assert lengths[0.0] > 0.1
    assert lengths[0.01] == pytest.approx(0.01, rel=1e-3)


def test_a_short_last_batch_is_left_out_where_that_is_asked_for(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("data.drop_last=true")
    trainer.train()
    assert (trainer.job.samples_per_epoch, trainer.job.steps_per_epoch) == (96, 6)
    assert trainer.state.step == 12
    assert [end.step for end in of_type(trainer, events.EpochEnd)] == [6, 12]


@pytest.mark.parametrize(("batch_norm", "samples", "steps"), [("true", 108, 9), ("false", 109, 10)])
def test_batch_norm_leaves_out_a_lonely_last_sample(
    make_trainer: MakeTrainer, batch_norm: str, samples: int, steps: int
) -> None:
    """Batches of 12 leave one of 109 samples over, and one sample has no deviation."""
    trainer = make_trainer("data.batch_size=12", f"model.batch_norm={batch_norm}")
    trainer.train()
    assert (trainer.job.samples_per_epoch, trainer.job.steps_per_epoch) == (samples, steps)
    assert trainer.state.step == 2 * steps


def test_batch_norm_with_batches_of_one_sample_is_refused_in_words(make_trainer: MakeTrainer) -> None:
    with pytest.raises(PresetError, match="batch"):
        make_trainer("data.batch_size=1", "model.batch_norm=true").train()


def test_batch_norm_on_images_pooled_to_a_pixel_is_refused_too() -> None:
    """ResNet-18 leaves one pixel of 8 × 8: then a batch of one sample has no deviation either."""
    preset = Preset().override(
        ["data.name=digits", "data.batch_size=1", "model.name=torchvision", "model.architecture=resnet18"]
    )
    with pytest.raises(PresetError, match="batch"):
        build_job(preset.override(["runtime.device=cpu"]), lambda progress: None)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone(make_trainer: MakeTrainer) -> None:
    first, again, other = make_trainer(), make_trainer("model.hidden=[3]"), make_trainer("training.seed=1")
    assert torch.equal(epoch_order(first.job, 0), epoch_order(again.job, 0))
    assert not torch.equal(epoch_order(first.job, 0), epoch_order(other.job, 0))
    assert not torch.equal(epoch_order(first.job, 0), epoch_order(again.job, 1))


def test_frozen_parameters_stay_as_they_are(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("optimizer.name=sgd", *ALONE)
    for name, parameter in trainer.job.model.named_parameters():
        parameter.requires_grad_("bias" not in name)
    before = {name: tensor.clone() for name, tensor in trainer.job.model.state_dict().items()}
    trainer.train()
    for name, tensor in saved_weights(trainer.run.last_checkpoint).items():
        assert torch.equal(tensor, before[name]) == ("bias" in name)


def test_training_lowers_the_loss(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=10", "optimizer.learning_rate=0.01")
    trainer.train()
    losses = [end.train["loss"] for end in of_type(trainer, events.EpochEnd)]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses[:4]))
    assert losses[-1] < losses[0] / 2


# What does not fit is refused before training.


def refused(*assignments: str) -> str:
    with pytest.raises(PresetError) as error:
        build_job(Preset().override(["data.name=iris", "runtime.device=cpu", "model.hidden=[4]", *assignments]), print)
    return str(error.value)


def test_a_batch_larger_than_the_data_is_refused_with_both_numbers() -> None:
    message = refused("data.batch_size=110")
    assert "110" in message
    assert "109" in message


def test_a_batch_of_all_samples_is_taken(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("data.batch_size=109")
    trainer.train()
    assert trainer.state.step == 2


@pytest.mark.parametrize("loss", ["cross_entropy", "kl_divergence", "binary_cross_entropy"])
def test_a_loss_that_does_not_fit_the_task_is_refused_with_those_that_do(loss: str) -> None:
    message = refused("data.name=diabetes", f"loss.name={loss}")
    assert loss in message
    assert "numbers" in message
    assert "mse, l1, huber" in message


def test_a_wrong_number_of_class_weights_is_refused() -> None:
    assert "2 numbers, but the data has 3 classes" in refused("loss.class_weights=[1.0, 2.0]")


@pytest.mark.parametrize(
    ("assignments", "fitting"),
    [
        (["data.name=diabetes", "loss.name=mse", "training.monitor=accuracy"], "loss, rmse, mae, r2"),
        (["training.monitor=r2"], "loss, accuracy, f1_macro, roc_auc, mcc"),
        (["validation.method=none", "training.monitor=roc_auc"], "loss, accuracy"),
        (["data.name=diabetes", "loss.name=mse", "validation.method=none", "training.monitor=mae"], "loss"),
    ],
)
def test_a_monitor_that_does_not_fit_is_refused_with_those_that_do(assignments: list[str], fitting: str) -> None:
    message = refused(*assignments)
    assert message.startswith("training.monitor = ")
    assert message.endswith(f"these do: {fitting}")


def test_a_data_set_without_its_own_validation_split_says_so() -> None:
    assert "no validation split of its own" in refused("validation.method=own")


def test_a_run_whose_directory_is_deleted_ends_and_leaves_nothing(tmp_path: Path) -> None:
    preset = Preset().override([*SMALL, "training.epochs=1000000"])
    run = create_run(tmp_path, preset.name, preset.to_toml())

    class Deleting(Inbox):
        """Somebody deletes the run while it trains."""

        def read(self) -> list[Request]:
            if run.environment.exists():
                shutil.rmtree(run.path)
            return []

    with pytest.raises(RunDeletedError, match="deleted"):
        _Worker(run, EventWriter(run.events), Deleting(run), 0.0).work()
    assert not run.path.exists()


def test_a_resumed_run_that_never_comes_to_training_keeps_what_it_had_reached(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    run, events = trainer.run, EventWriter(trainer.run.events)
    trainer.train()
    run.preset.write_text("[data]\nbatch_sise = 3\n")
    _Worker(run, events, Inbox(run), 0.0).work()
    summary = read_summary(run)
    assert summary is not None
    assert summary.status == "failed"
    assert "batch_sise" in summary.reason
    assert (summary.step, summary.epoch) == (2 * STEPS_PER_EPOCH, 2)
    assert summary.best_epoch == trainer.state.best_epoch
    assert summary.validation == trainer.state.best_validation
