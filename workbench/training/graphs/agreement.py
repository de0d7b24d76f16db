"""Compares the results of two implementations of a step."""

from __future__ import annotations

import torch
from torch import Tensor

COMPARED = 2**17
"""Numbers compared at a time, so that comparing takes little memory."""


def agree(found: list[Tensor], expected: list[Tensor], before: list[Tensor], most_error: float = 1e-2) -> bool:
    """Whether two implementations of a step changed each tensor alike; `found` may be on another device.

    most_error: mean of the differences, relative to the mean of the changes, beyond what float32 cannot tell. The mean,
    since a gradient that is nearly zero may reverse an optimizer's step by its rounding alone.
    """
    for tensors in zip(found, expected, before, strict=True):
        difference = change = size = torch.zeros((), dtype=torch.float64, device=tensors[0].device)
        for pieces in zip(*(tensor.reshape(-1).split(COMPARED) for tensor in tensors), strict=True):
            one, other, old = (piece.to(difference.device).double() for piece in pieces)
            difference = difference + (one - other).abs().sum()
            change = change + (other - old).abs().sum()
            size = size + other.abs().sum()
        if not bool(difference <= most_error * change + 1e-6 * size):
            return False
    return True
