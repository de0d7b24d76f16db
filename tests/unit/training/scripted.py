"""A trainer in this process that is asked for things at chosen moments, without files, threads or clocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from tests.unit.training.conftest import SMALL, events_of
from workbench.runs.control import Request
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import Event, Steps
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training import poll_schedule
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

Script = Callable[[Trainer], Iterable[Request]]
"""What is asked of a trainer at each poll."""

AnEvent = TypeVar("AnEvent", bound=Event)

PATIENCE = 300
"""Polls at one and the same step after which a trainer counts as waiting forever."""

STOP, PAUSE, RESUME, CHECKPOINT = (Request(command) for command in ("stop", "pause", "resume", "checkpoint"))


class Killed(BaseException):
    """Ends a trainer as kill -9 does: nothing is saved on the way out."""


class ScriptedInbox(Inbox):
    """Requests that come from a script."""

    def __init__(self, run: RunDirectory, script: Script) -> None:
        super().__init__(run)
        self._script = script
        self._polls: tuple[int, int] = (0, 0)
        self.trainer: Trainer | None = None

    def read(self) -> list[Request]:
        assert self.trainer is not None
        step, polls = self.trainer.state.step, self._polls
        self._polls = (step, polls[1] + 1 if polls[0] == step else 1)
        assert self._polls[1] < PATIENCE, f"the trainer waits forever after step {step}"
        return list(self._script(self.trainer))


def nothing(_: Trainer) -> Iterable[Request]:
    """Nobody asks for anything."""
    return ()


def asked_at(step: int, *polls: Sequence[Request]) -> Script:
    """Asks at the first poll after `step`, and at those that follow it."""
    left = list(polls)
    return lambda trainer: left.pop(0) if left and trainer.state.step >= step else ()


def asked_while(moment: Callable[[Trainer], bool], *polls: Sequence[Request]) -> Script:
    """Asks at the first polls at which `moment` is true."""
    left = list(polls)
    return lambda trainer: left.pop(0) if left and moment(trainer) else ()


def killed_at(step: int, *before: tuple[int, Request]) -> Script:
    """Asks for what is due `before`, and kills the trainer after `step`."""
    due = dict(before)

    def script(trainer: Trainer) -> Iterable[Request]:
        if trainer.state.step >= step:
            raise Killed
        request = due.pop(trainer.state.step, None)
        return () if request is None else (request,)

    return script


def at_validation(trainer: Trainer) -> bool:
    """Whether the trainer evaluates the validation split."""
    return not trainer.job.model.training and trainer.state.epoch < trainer.job.preset.training.epochs


def at_the_test(trainer: Trainer) -> bool:
    """Whether the trainer evaluates the test split."""
    return not trainer.job.model.training and trainer.state.epoch == trainer.job.preset.training.epochs


def poll_after_every_step(patch: pytest.MonkeyPatch) -> None:
    """Makes trainers look up after every step and every evaluated batch, and wait for nothing."""
    patch.setattr(poll_schedule, "POLL_SECONDS", 0.0)
    patch.setattr(time, "sleep", lambda seconds: None)


def build_trainer(run: RunDirectory, script: Script = nothing) -> Trainer:
    """A trainer of the preset in a run directory."""
    inbox = ScriptedInbox(run, script)
    trainer = Trainer(build_job(Preset.load(run.preset), lambda progress: None), run, EventWriter(run.events), inbox)
    inbox.trainer = trainer
    return trainer


def new_trainer(folder: Path, assignments: Sequence[str], script: Script = nothing) -> Trainer:
    """A trainer of iris (or of what the assignments say) in a run directory of its own."""
    another = any(assignment.startswith("model.name=") for assignment in assignments)
    small = [assignment for assignment in SMALL if not (another and assignment.startswith("model."))]
    preset = Preset().override([*small, *assignments])
    return build_trainer(create_run(folder, preset.name, preset.to_toml()), script)


def of_type(trainer: Trainer, kind: type[AnEvent]) -> list[AnEvent]:
    """The run's events of a type, in order."""
    return [event for event in events_of(trainer) if isinstance(event, kind)]


def logged_losses(trainer: Trainer) -> dict[int, float]:
    """The loss of each step; what a resumed run logged again counts."""
    losses: dict[int, float] = {}
    for event in of_type(trainer, Steps):
        losses |= {event.first_step + offset: loss for offset, loss in enumerate(event.losses)}
    return losses
