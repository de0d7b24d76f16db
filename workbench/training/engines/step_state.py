"""Copies and restores everything on the device that a training step changes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Snapshot:
    """The state at a moment: on the host, for the device may have no room for it."""

    tensors: list[Tensor]
    random: Tensor
    """State of the device's random generator."""


@dataclass(frozen=True)
class StepState:
    """Weights, buffers, the optimizer's state, the count of correct samples and the device's random generator."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    correct: Tensor

    def tensors(self) -> list[Tensor]:
        """The tensors themselves."""
        states = self.optimizer.state.values()
        optimizer = [value for state in states for value in state.values() if isinstance(value, Tensor)]
        parameters = [parameter.detach() for parameter in self.model.parameters()]
        return [*parameters, *self.model.buffers(), *optimizer, self.correct]

    def snapshot(self) -> Snapshot:
        """Copies everything."""
        device = self.correct.device
        random = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
        return Snapshot([tensor.to("cpu", copy=True) for tensor in self.tensors()], random)

    def put_back(self, snapshot: Snapshot) -> None:
        """Restores everything from a snapshot."""
        for tensor, value in zip(self.tensors(), snapshot.tensors, strict=True):
            tensor.copy_(value)
        device = self.correct.device
        if device.type == "cuda":
            torch.cuda.set_rng_state(snapshot.random, device)
        else:
            torch.set_rng_state(snapshot.random)
