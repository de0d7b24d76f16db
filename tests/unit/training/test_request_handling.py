"""How the trainer handles requests."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.unit.training.iris import CPU, STEPS_PER_EPOCH, MakeTrainer, Results, saved_weights, weights
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
    new_trainer,
    of_type,
    poll_after_every_step,
)
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.control import Request, ask
from workbench.training import poll_schedule, requests
from workbench.training.checkpointing import files as checkpoints
from workbench.training.poll_schedule import PollSchedule
from workbench.training.timing import time_account
from workbench.training.trainer import Trainer


def handled(trainer: Trainer) -> list[tuple[str, int, bool]]:
    return [(event.command, event.step, event.accepted) for event in of_type(trainer, events.RequestHandled)]


@pytest.mark.usefixtures("at_every_step")
def test_requests_come_from_the_runs_control_file(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    ask(trainer.run, "set_learning_rate", 0.25)
    ask(trainer.run, "checkpoint")
    ask(trainer.run, "stop")
    trainer.train()
    assert handled(trainer) == [("set_learning_rate", 1, True), ("checkpoint", 1, True), ("stop", 1, True)]
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
    assert handled(trainer) == [("stop", 10, True)]


def test_stop_is_handled_where_an_epoch_has_fewer_steps_than_there_are_between_two_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignments = ["validation.method=none", "training.epochs=40", "data.batch_size=64"]
    steps_per_epoch = 2
    trainer = new_trainer(tmp_path, assignments, asked_at(20 * steps_per_epoch, [STOP]))
    assert trainer.job.steps_per_epoch == steps_per_epoch
    monkeypatch.setattr(poll_schedule, "POLL_SECONDS", 1e-9)
    monkeypatch.setattr(PollSchedule, "next_check", property(lambda _: 10**9, lambda _, step: None), raising=False)
    trainer.train()
    assert trainer.stopping
    assert trainer.state.step == 20 * steps_per_epoch


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
    assert handled(trainer) == [("pause", 3, True), ("resume", 3, True)]
    written = [
        (event.state, event.step)
        for event in of_type(trainer, events.State)
        if event.step == 3 or event.state == "paused"
    ]
    assert written == [("paused", 3), ("training", 3)]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_a_paused_run_takes_other_requests(tmp_path: Path) -> None:
    rate = Request("set_learning_rate", 0.5)
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [CHECKPOINT], [rate], [RESUME]))
    trainer.train()
    assert [command for command, *_ in handled(trainer)] == ["pause", "checkpoint", "set_learning_rate", "resume"]
    assert {step for _, step, _ in handled(trainer)} == {3}
    assert of_type(trainer, events.Checkpointed)[0].step == 3
    assert trainer.base_learning_rate == 0.5


@pytest.mark.usefixtures("at_every_step")
def test_stop_ends_a_pause(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [], [STOP]))
    trainer.train()
    assert (trainer.stopping, trainer.state.step) == (True, 3)


@pytest.mark.usefixtures("at_every_step")
def test_a_pause_and_its_end_in_one_poll_are_both_handled(tmp_path: Path) -> None:
    """Whoever asks for both within a tenth of a second must not leave the run paused forever."""
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE, RESUME]))
    trainer.train()
    assert handled(trainer) == [("pause", 3, True), ("resume", 3, True)]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_a_pause_and_a_stop_in_one_poll_stop(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE, STOP]))
    trainer.train()
    assert (trainer.stopping, trainer.state.step) == (True, 3)
    assert ("stop", 3, True) in handled(trainer)


@pytest.mark.usefixtures("at_every_step")
def test_every_request_is_answered_also_a_second_pause(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [PAUSE], [RESUME]))
    trainer.train()
    assert [command for command, *_ in handled(trainer)] == ["pause", "pause", "resume"]


@pytest.mark.usefixtures("at_every_step")
def test_a_resume_and_a_new_pause_in_one_poll_leave_the_run_paused(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(3, [PAUSE], [RESUME, PAUSE], [], [RESUME]))
    trainer.train()
    assert handled(trainer) == [(command, 3, True) for command in ("pause", "resume", "pause", "resume")]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_after_a_pause_the_run_reports_the_state_that_it_returns_to(tmp_path: Path) -> None:
    for moment, state in ((at_validation, "validating"), (at_the_test, "testing")):
        trainer = new_trainer(tmp_path, ["training.epochs=1"], asked_while(moment, [PAUSE], [RESUME]))
        trainer.train()
        states = [event.state for event in of_type(trainer, events.State)]
        assert states[states.index("paused") + 1] == state


def test_a_pause_while_validating_counts_as_a_pause_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes only while the trainer waits."""
    poll_after_every_step(monkeypatch)
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
    assert handled(changed) == [("set_learning_rate", 5, True)]
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
def test_an_invalid_learning_rate_is_refused_with_the_reason(tmp_path: Path, value: float | None) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(2, [Request("set_learning_rate", value)]))
    trainer.train()
    [answer] = of_type(trainer, events.RequestHandled)
    assert not answer.accepted
    assert "above 0" in answer.detail
    assert trainer.base_learning_rate == 0.001


@pytest.mark.usefixtures("at_every_step")
def test_an_unknown_request_is_refused_by_name_and_training_continues(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(2, [Request("dance"), Request("not even JSON", 3.0)]))
    trainer.train()
    assert handled(trainer) == [("dance", 2, False), ("not even JSON", 2, False)]
    assert [answer.detail for answer in of_type(trainer, events.RequestHandled)] == [
        "unknown request 'dance'",
        "unknown request 'not even JSON'",
    ]
    assert trainer.state.step == 2 * STEPS_PER_EPOCH


@pytest.mark.usefixtures("at_every_step")
def test_a_requested_checkpoint_is_written_at_once(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [], asked_at(4, [CHECKPOINT]))
    trainer.train()
    first = of_type(trainer, events.Checkpointed)[0]
    assert (first.step, first.file) == (4, "checkpoints/last.pt")
    assert first.bytes > 0
    assert handled(trainer) == [("checkpoint", 4, True)]


@pytest.mark.usefixtures("at_every_step")
def test_a_checkpoint_requested_while_testing_holds_the_last_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model then holds the best epoch's, which are in a file of their own."""
    trainer = new_trainer(tmp_path, [], asked_while(at_the_test, [CHECKPOINT]))
    results = Results(monkeypatch, trainer, [0.9, 0.5], "accuracy")
    trainer.train()
    assert handled(trainer) == [("checkpoint", 14, True)]
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
