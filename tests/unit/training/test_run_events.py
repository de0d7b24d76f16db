"""What a run writes as events while it trains."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
import torch

from tests.unit.training.conftest import SMALL, events_of
from tests.unit.training.iris import STEPS_PER_EPOCH, MakeTrainer
from tests.unit.training.scripted import (
    logged_losses,
    of_type,
    poll_after_every_step,
)
from workbench.runs import events
from workbench.runs.control import Thresholds, append_request, ask
from workbench.runs.directory import create_run
from workbench.runs.measurements import Footprint, Memory, Timing
from workbench.settings.preset import Preset
from workbench.training.timing.clock import PhaseClock


def test_events_are_written_in_order(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.train()
    written = [event for event in events_of(trainer) if not isinstance(event, (Timing, Memory, Footprint))]
    lines = [f"{event.type} {getattr(event, 'state', getattr(event, 'file', ''))}".strip() for event in written]
    lines = [line for line, _ in itertools.groupby(lines)]  # how many polls an epoch takes is a matter of time
    epoch = ["state training", "steps", "state validating", "epoch"]
    saved = ["checkpoint checkpoints/best.pt", "checkpoint checkpoints/last.pt"]
    assert lines == [*epoch, *epoch, *saved, "state testing", "test"]
    assert [event.time for event in written] == sorted(event.time for event in written)


def test_every_step_is_logged_exactly_once(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    poll_after_every_step(monkeypatch)
    trainer = make_trainer("training.epochs=3")
    trainer.train()
    logged = of_type(trainer, events.Steps)
    steps = [event.first_step + offset for event in logged for offset in range(len(event.losses))]
    assert steps == list(range(1, 3 * STEPS_PER_EPOCH + 1))
    assert [event.epoch for event in logged] == pytest.approx([step / STEPS_PER_EPOCH for step in steps], abs=1e-6)
    assert [event.seconds for event in logged] == sorted(event.seconds for event in logged)


def test_polling_more_often_changes_no_loss(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    seldom = make_trainer("model.dropout=0.3")
    seldom.train()
    poll_after_every_step(monkeypatch)
    often = make_trainer("model.dropout=0.3")
    often.train()
    assert logged_losses(often) == logged_losses(seldom)


def test_steps_carry_the_learning_rate_of_their_last_step(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_after_every_step(monkeypatch)
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
        correct = sum(int((trainer.job.model(batch.tensor).argmax(1) == batch.targets).sum()) for batch in batches)
    assert end.train["accuracy"] == pytest.approx(correct / 109)


def test_an_epochs_event_holds_the_learning_rate_of_its_last_step_also_where_the_plateau_schedule_lowers_it(
    make_trainer: MakeTrainer,
) -> None:
    trainer = make_trainer(
        "schedule.name=plateau", "schedule.patience=0", "schedule.threshold=0.9", "training.epochs=3"
    )
    trainer.train()
    ends, logged = of_type(trainer, events.EpochEnd), of_type(trainer, events.Steps)
    rates = {event.first_step + len(event.losses) - 1: event.learning_rate for event in logged}
    assert [end.learning_rate for end in ends] == [rates[end.step] for end in ends]
    assert (ends[-1].learning_rate or 0.0) < (ends[0].learning_rate or 0.0)


def test_events_are_strict_json(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.train()
    for line in trainer.run.events.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_the_shortest_run_reports_timing_and_memory_at_its_end(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.train()
    timings, memories = of_type(trainer, Timing), of_type(trainer, Memory)
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
    assert of_type(trainer, Memory) == []
    assert all(timing.phase_ms == timing.step_ms == {} for timing in of_type(trainer, Timing))
    assert sum(timing.steps for timing in of_type(trainer, Timing)) == 2 * STEPS_PER_EPOCH


@pytest.mark.parametrize(("study", "stop_after", "reports"), [("", 1, 1), ("a-study", 1, 0), ("a-study", None, 1)])
def test_the_memory_of_a_short_trial_is_reported_only_once_it_is_trained_to_its_end(
    make_trainer: MakeTrainer, tmp_path: Path, study: str, stop_after: int | None, reports: int
) -> None:
    """Most trials of a search stop after an epoch, and to estimate the memory takes as long as that."""
    preset = Preset().override(SMALL)
    trainer = make_trainer(run=create_run(tmp_path, "trial", preset.to_toml(), study=study or None))
    if stop_after is not None:
        ask(trainer.run, "stop_after_epoch", stop_after)
    trainer.train()
    assert bool(trainer.stopping) == (stop_after is not None)
    assert len(of_type(trainer, Footprint)) == reports


@pytest.mark.parametrize(
    ("thresholds", "epochs"),
    [
        (((1, None),), 1),
        (((1, 0.0),), 3),
        (((1, 1.1),), 1),
        (((1, 0.0), (2, 1.1)), 2),
        (((1, 0.0), (2, None)), 2),
        (((2, 0.0),), 3),
        (((3, None),), 3),
    ],
)
def test_a_trial_pauses_after_an_epoch_unless_its_best_accuracy_beats_the_threshold(
    make_trainer: MakeTrainer, thresholds: Thresholds, epochs: int
) -> None:
    trainer = make_trainer("training.epochs=3", "training.monitor=accuracy")
    ask(trainer.run, "set_thresholds", thresholds=thresholds)
    trainer.train()
    assert trainer.state.epoch == epochs
    assert trainer.stopping == (epochs < 3)


def test_the_request_is_told_in_words(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=1")
    ask(trainer.run, "set_thresholds", thresholds=((1, 0.25), (3, None)))
    append_request(trainer.run.control, "set_thresholds")
    trainer.train()
    handled = of_type(trainer, events.RequestHandled)
    assert [(event.accepted, event.detail) for event in handled] == [
        (True, "pauses after epoch 1 unless 0.25 is beaten, 3 in any case"),
        (False, "it takes epochs, each with the value to beat"),
    ]
