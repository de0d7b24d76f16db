"""Engines: how an optimizer step is executed. The trainer sees only this seam.

An engine is told the order of an epoch's samples and then advances until the epoch is over, one or more steps at a
call; losses and hits stay on the device. It asks for the learning rate of a step by number, so that an engine that
runs several steps at once can ask ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from workbench.training.batches import Batch, BatchSource
from workbench.training.device import Precision
from workbench.training.loss_log import LossLog
from workbench.training.timing.clock import PhaseClock

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction


@dataclass(frozen=True, slots=True)
class StepsRun:
    """How far one call of `advance` went."""

    steps: int
    batches: int
    samples: int


class Engine(Protocol):
    """Executes optimizer steps."""

    name: str
    losses: LossLog
    """The loss of every step, to be read by the trainer when it likes."""
    hits: Tensor
    """Samples classified right since the epoch began, int64 scalar on the device; 0 for regression."""

    def start_epoch(self, order: Tensor) -> None:
        """The samples to train on next: their indices, int64 on the host."""

    def run_steps(self, step: int) -> StepsRun:
        """Does the next step or steps; `step` is the number of the first. Marks phases on the clock."""


def trained_parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The parameters that an optimizer changes, in its order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


class EagerEngine:
    """One step at a time, operation by operation, as PyTorch comes; nothing waits for the device."""

    name = "eager"

    def __init__(
        self,
        model: nn.Module,
        loss: LossFunction,
        optimizer: torch.optim.Optimizer,
        feed: BatchSource,
        precision: Precision,
        clock: PhaseClock,
        learning_rate: Callable[[int], float],
        *,
        device: torch.device,
        gradient_accumulation: int = 1,
        gradient_clip_norm: float = 0.0,
        count_hits: bool = True,
    ) -> None:
        self.losses = LossLog(device)
        self.hits = torch.zeros((), dtype=torch.int64, device=device)
        self._device = device
        self._model = model
        self._loss = loss
        self._optimizer = optimizer
        self._parameters = trained_parameters(optimizer)
        self._feed = feed
        self._precision = precision
        self._clock = clock
        self._learning_rate = learning_rate
        self._accumulation = gradient_accumulation
        self._clip_norm = gradient_clip_norm
        self._count_hits = count_hits
        self._batches: Iterator[Batch] = iter(())
        self._samples_left = 0

    def start_epoch(self, order: Tensor) -> None:
        self._batches = self._feed.batches(order, self._clock)
        self._samples_left = len(order)

    def run_steps(self, step: int) -> StepsRun:
        self._set_learning_rate(self._learning_rate(step))
        samples = min(self._accumulation * self._feed.batch_size, self._samples_left)
        batches = -(-samples // self._feed.batch_size)
        loss = self._forward_backward(samples)
        for _ in range(batches - 1):
            loss = loss + self._forward_backward(samples)
        self._update()
        self.losses.append(loss, samples)
        self._samples_left -= samples
        return StepsRun(steps=1, batches=batches, samples=samples)

    def _set_learning_rate(self, learning_rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate

    def _forward_backward(self, step_samples: int) -> Tensor:
        """Adds one batch's share to the gradients; its share of the step's mean loss, detached."""
        self._clock.enter("data")
        batch = next(self._batches)
        self._clock.enter("forward")
        return self._add_gradients(batch, len(batch.targets) / step_samples)

    def _add_gradients(self, batch: Batch, share: float) -> Tensor:
        with self._precision.autocast():
            scores = self._model(batch.inputs)
        loss = self._loss(scores.float(), batch.targets)
        if share != 1.0:
            loss = loss * share
        self._clock.mark("forward")
        scaler = self._precision.scaler
        (loss if scaler is None else scaler.scale(loss)).backward()
        self._clock.mark("backward")
        if self._count_hits:
            self.hits += (scores.detach().argmax(dim=1) == batch.targets).sum()
            self._clock.mark("metrics")
        return loss.detach()

    def _update(self) -> None:
        self._clock.enter("optimizer")
        scaler = self._precision.scaler
        if self._clip_norm:
            if scaler is not None:
                scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        if scaler is None:
            self._step_optimizer()
        else:
            scaler.step(self._optimizer)
            scaler.update()
        self._drop_gradients()
        self._clock.mark("optimizer")

    def _step_optimizer(self) -> None:
        self._optimizer.step()

    def _drop_gradients(self) -> None:
        """What zero_grad does, without its report to a profiler."""
        for parameter in self._parameters:
            parameter.grad = None
