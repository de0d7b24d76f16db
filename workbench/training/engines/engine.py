"""What the trainer sees of an engine, and what an engine tells the trainer.

An engine is given the order of an epoch's samples and then runs steps until the epoch is over, one or more at a call.
Losses and the number of correct samples stay on the device. It asks for the learning rate of a step by its number, so
that an engine that runs several steps at once can ask ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from workbench.training.loss_log import LossLog

LearningRate = Callable[[int], float]
"""The learning rate of an optimizer step, by its number from 1."""


@dataclass(frozen=True, slots=True)
class StepsRun:
    """How far one call of `run_steps` went."""

    steps: int
    batches: int
    samples: int


@dataclass(frozen=True)
class EngineHooks:
    """What an engine reports; by default nobody listens."""

    warn: Callable[[str], object] = lambda message: None
    """Hears what went wrong although training continues."""
    report_progress: Callable[[str], object] = lambda what: None
    """Hears what is about to take seconds."""
    add_time: Callable[[str, float], object] = lambda what, seconds: None
    """Hears how many seconds something took that is not training, by its name."""


class Engine(Protocol):
    """Runs optimizer steps."""

    name: str
    losses: LossLog
    """The loss of every step, to be read at any time."""
    correct: Tensor
    """Samples classified correctly since it was last set to zero, int64 scalar on the device; 0 for regression."""

    def start_epoch(self, order: Tensor) -> None:
        """Takes the samples to train on next: their indices, int64 on the host."""

    def run_steps(self, step: int) -> StepsRun:
        """Runs the next step or steps; `step` is the number of the first. Marks phases on the clock."""
