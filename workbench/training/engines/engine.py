"""The interface between the trainer and an engine.

An engine is given the order of an epoch's samples and then runs steps until the epoch is over, one or more at a call.
Losses and the number of correct samples stay on the device. It asks for the learning rate of a step by its number, so
that an engine can ask for those of several steps ahead.
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
    """Callbacks of an engine; by default nobody listens."""

    warn: Callable[[str], object] = lambda message: None
    """Called with a problem that training survives."""
    report_progress: Callable[[str], object] = lambda what: None
    """Called with a description of work that is about to take seconds."""
    add_time: Callable[[str, float], object] = lambda what, seconds: None
    """Called with the name of work that is not training, and its seconds."""


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
