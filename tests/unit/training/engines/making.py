"""Engines for tests: of loose parts, and of a job with captures that need no GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn

from workbench.data.task import correct_classes
from workbench.training.batches import BatchSource
from workbench.training.device import Precision
from workbench.training.engines.direct import DirectEngine
from workbench.training.engines.engine import LearningRate
from workbench.training.engines.train_step import Autograd, OptimizerStep, TrainStep
from workbench.training.objective import Objective, trained_parameters
from workbench.training.timing.clock import PhaseClock

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction
    from workbench.training.engines.choose import MakeGradients

CPU = torch.device("cpu")


def direct_engine(
    model: nn.Module,
    loss: LossFunction,
    optimizer: torch.optim.Optimizer,
    source: BatchSource,
    learning_rate: LearningRate,
    *,
    device: torch.device = CPU,
    counts_correct: bool = True,
    gradients: MakeGradients = Autograd,
    optimizer_step: OptimizerStep | None = None,
) -> DirectEngine:
    """An engine in float32, without accumulation and clipping."""
    clock, correct = PhaseClock(), torch.zeros((), dtype=torch.int64, device=device)
    parameters = trained_parameters(optimizer)
    count = correct_classes if counts_correct else None
    objective = Objective(model, loss, Precision("float32", device), parameters, count)
    step = TrainStep(
        gradients=gradients(objective, correct, clock),
        optimizer_step=optimizer_step or optimizer,
        optimizer=optimizer,
        parameters=parameters,
        scaler=None,
        gradient_clip_norm=0.0,
        clock=clock,
        correct=correct,
    )
    return DirectEngine("made for a test", step, source, learning_rate)


@dataclass
class Replayed:
    """Work that is called again at each replay, as a CUDA graph launches it again."""

    work: Callable[[], None]
    replays: list[Callable[[], None]]
    is_outdated: bool = False

    def replay(self) -> None:
        self.replays.append(self.work)
        self.work()


@dataclass
class StubCapture:
    """Captures without a GPU."""

    replays: list[Callable[[], None]] = field(default_factory=list)
    """The work of each replay."""
    captured: list[Replayed] = field(default_factory=list)

    def warm_up(self, work: Callable[[], None]) -> None:
        work()

    def __call__(self, work: Callable[[], None]) -> Replayed:
        self.captured.append(Replayed(work, self.replays))
        return self.captured[-1]

    def outdate(self) -> None:
        """What was captured can no longer be replayed, as after the generator was repaired."""
        for captured in self.captured:
            captured.is_outdated, captured.work = True, _raise_outdated


def _raise_outdated() -> None:
    raise AssertionError("Offset increment outside graph capture encountered unexpectedly.")
