"""The reference: the training loop that anyone would write by hand, with none of our training code."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


def plain_losses(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    batches: list[Tensor],
) -> list[float]:
    """The loss of each step; `batches` holds the indices of each batch."""
    losses = []
    model.train()
    for indices in batches:
        optimizer.zero_grad()
        value = loss(model(inputs[indices]), targets[indices])
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def twin(model: nn.Module) -> nn.Module:
    """The same network with the same weights."""
    return copy.deepcopy(model)
