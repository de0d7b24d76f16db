"""One optimizer step, written once: gradients of each batch, then the update.

How gradients are computed and how the optimizer steps are independent choices. The engine decides how a step is
executed: directly, or captured and replayed as a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from workbench.training.batches import Batch
from workbench.training.objective import Objective
from workbench.training.timing.clock import PhaseClock


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Sets the learning rate of all groups. A tensor is filled in place, as PyTorch's schedulers do: graphs read it."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate


class Gradients(Protocol):
    """Computes the gradients of a batch."""

    def __call__(self, batch: Batch, loss_weight: float) -> Tensor:
        """Adds the gradients of the weighted loss to `.grad` and counts correct samples; returns that loss, detached.

        loss_weight: the batch's fraction of the step's samples. Marks forward, backward and metrics on the clock.
        """

    def prepare(self, batch: Batch, loss_weight: float) -> None:
        """Prepares for batches of this shape, and changes nothing else. Raises CannotTraceError."""


class OptimizerStep(Protocol):
    """Updates the parameters by their gradients."""

    def step(self) -> object:
        """Does what `optimizer.step` does, at the learning rate that its groups hold."""


class Autograd:
    """Gradients by PyTorch's autograd."""

    def __init__(self, objective: Objective, correct: Tensor, clock: PhaseClock) -> None:
        self._objective = objective
        self._correct = correct
        self._clock = clock

    def prepare(self, batch: Batch, loss_weight: float) -> None:
        """Does nothing: autograd needs no preparation."""

    def __call__(self, batch: Batch, loss_weight: float) -> Tensor:
        loss, scores = self._objective.forward(batch.inputs, batch.targets)
        loss = self._backward(loss, loss_weight)
        if self._objective.counts_correct:
            self._correct += self._objective.correct(scores, batch.targets)
            self._clock.mark("metrics")
        return loss

    def _backward(self, loss: Tensor, loss_weight: float) -> Tensor:
        """Adds the gradients of the weighted loss; returns it, detached. Marks the ends of forward and backward."""
        if loss_weight != 1.0:
            loss = loss * loss_weight
        self._clock.mark("forward")
        scaler = self._objective.precision.scaler
        (loss if scaler is None else scaler.scale(loss)).backward()
        self._clock.mark("backward")
        return loss.detach()


@dataclass(frozen=True)
class TrainStep:
    """An optimizer step."""

    gradients: Gradients
    optimizer_step: OptimizerStep
    """The optimizer, or something that does the same faster; with loss scaling always the optimizer."""
    optimizer: torch.optim.Optimizer
    parameters: Sequence[nn.Parameter]
    scaler: torch.amp.GradScaler | None
    gradient_clip_norm: float
    """0: gradients are not clipped."""
    clock: PhaseClock
    correct: Tensor
    """Counts the samples classified correctly; int64 scalar on the device."""

    def run(self, batches: Iterator[Batch], count: int, samples: int) -> Tensor:
        """Trains on the next `count` batches, which have `samples` samples; returns their mean loss, detached.

        Batches count by their samples. For a language model that is by their tokens, because the windows of one text
        are all full; tokens of a user's own padded windows count more in a batch that has fewer of them.

        In a distributed run gradients would be averaged over the ranks between the two halves.
        """
        loss = self._accumulate_gradients(batches, count, samples)
        self._update()
        return loss

    def _accumulate_gradients(self, batches: Iterator[Batch], count: int, samples: int) -> Tensor:
        clock, loss = self.clock, None
        for _ in range(count):
            clock.enter("data")
            batch = next(batches)
            clock.enter("forward")
            part = self.gradients(batch, len(batch.targets) / samples)
            loss = part if loss is None else loss + part
        assert loss is not None, "a step has at least one batch"
        return loss

    def _update(self) -> None:
        self.clock.enter("optimizer")
        if self.gradient_clip_norm:
            if self.scaler is not None:
                self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self.gradient_clip_norm)
        if self.scaler is None:
            self.optimizer_step.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.drop_gradients()
        self.clock.mark("optimizer")

    def drop_gradients(self) -> None:
        """Does what zero_grad does, without its entry in a profile."""
        for parameter in self.parameters:
            parameter.grad = None
