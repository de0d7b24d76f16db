"""What probes share: a trainer that has begun, and waiting for the card."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from tests.unit.training.conftest import events_of
from tests.unit.training.scripted import new_trainer
from workbench.runs.events import WarningRaised
from workbench.training.trainer import Trainer

Report = Callable[[str], None]
"""Reports a line."""
Probe = Callable[[torch.device, Report], None]

CLASSIC = ["data.name=digits", "model.hidden=[512,256]", "data.batch_size=20", "validation.method=none"]
"""The hidden layers of the classic MNIST network; 64 steps an epoch or more."""


class Needs(Exception):  # noqa: N818
    """What a probe needs is not there."""


def needs_card(device: torch.device) -> None:
    """Raises Needs where there is no card."""
    if device.type != "cuda":
        raise Needs("a card")


def wait(device: torch.device) -> None:
    """Waits for what the device has been given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def make_trainer(device: torch.device, engine: str, *settings: str) -> Trainer:
    """A trainer on the device; where there is no card, of whatever engine is fastest there."""
    folder = Path(tempfile.mkdtemp(prefix="probe-"))
    chosen = engine if device.type == "cuda" else "auto"
    return new_trainer(folder, [*CLASSIC, f"runtime.device={device.type}", f"runtime.engine={chosen}", *settings])


class Steps:
    """Runs a trainer's steps without its loop."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.done = 0
        self._left = 0
        trainer.job.model.train()
        trainer.clock.begin()

    def one_call(self) -> int:
        """One call of the engine, in a new epoch if the last one is over; the steps that it ran."""
        trainer = self.trainer
        if self._left <= 0:
            trainer.engine.losses.read(wait=True)
            self._left = len(trainer.job.train)
            trainer.engine.start_epoch(torch.arange(self._left))
        run = trainer.engine.run_steps(self.done + 1)
        trainer.clock.end_step(run.steps, run.samples)
        self.done += run.steps
        self._left -= run.samples
        return run.steps

    def run(self, steps: int) -> int:
        """At least this many steps; returns how many."""
        first = self.done
        while self.done < first + steps:
            self.one_call()
        return self.done - first


def warnings(trainer: Trainer) -> list[str]:
    """What the run has warned of."""
    return [event.message[:200] for event in events_of(trainer) if isinstance(event, WarningRaised)]
