"""The learning rate that a run has now: one number in the trainer, and everywhere that shows it or starts from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.scripted import CHECKPOINT, Killed, killed_at, new_trainer
from workbench.advice.facts import Facts
from workbench.runs.control import Request
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Started
from workbench.runs.writer import EventWriter
from workbench.training.inbox import Inbox
from workbench.training.processes.worker import _Worker
from workbench.training.trainer import Trainer
from workbench.ui.live.watch import Watch

CHANGED = 0.00123456789


def rates_shown(run: RunDirectory) -> set[float | None]:
    """In the top line, at `[` and `]`, in advice, and in comparisons and the form, which read the run's settings."""
    watch = Watch(run)
    watch.read_all()
    facts = Facts.of(watch.history, watch.preset)
    view = watch.history.view
    assert watch.settings is not None
    return {view.base_learning_rate, watch.learning_rate, facts.learning_rate, watch.settings.optimizer.learning_rate}


def started(trainer: Trainer, process_id: int) -> Started:
    """As the process that trains writes it."""
    return Started(process_id=process_id, step=trainer.state.step, learning_rate=trainer.base_learning_rate)


@pytest.mark.usefixtures("at_every_step")
def test_a_run_that_is_resumed_from_before_a_change_shows_the_rate_of_before_everywhere(tmp_path: Path) -> None:
    """Changed at step 600, resumed from the checkpoint of step 400."""
    script = killed_at(610, (400, CHECKPOINT), (600, Request("set_learning_rate", CHANGED)))
    trainer = new_trainer(tmp_path, ["training.epochs=100", "training.checkpoint_seconds=3600"], script)
    events = EventWriter(trainer.run.events)
    events.write(started(trainer, process_id=1))
    assert rates_shown(trainer.run) == {0.001}
    with pytest.raises(Killed):
        trainer.train()
    assert rates_shown(trainer.run) == {trainer.base_learning_rate} == {CHANGED}

    again = _Worker(trainer.run, events, Inbox(trainer.run), 0.0)._prepare()
    assert again.state.step == 400
    assert rates_shown(trainer.run) == {again.base_learning_rate} == {0.001}
