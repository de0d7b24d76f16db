"""Dropout whose probability is a tensor, so that each candidate has its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StackedDropout(nn.Module):
    """Does what nn.Dropout does, with other random numbers: candidates share one generator.

    So a candidate with dropout is statistically the same as alone, but not number by number.
    """

    p: Tensor

    def __init__(self, p: float) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(p))

    def forward(self, x: Tensor) -> Tensor:
        """Zeroes each number with probability p, and scales the others by 1 / (1 - p); in evaluation x as it is."""
        if not self.training:
            return x
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


def replace_dropout(model: nn.Module) -> None:
    """Replaces the dropout layers of a model in place."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Dropout:
                setattr(module, name, StackedDropout(child.p))
