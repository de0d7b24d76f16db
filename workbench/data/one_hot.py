"""Recognises one-hot encoded targets: one row per sample, with a single 1 in the column of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def is_one_hot(values: Tensor | np.ndarray[Any, Any]) -> bool:
    """Whether each row of (samples, classes) has a single 1 and is 0 elsewhere."""
    if values.ndim != 2 or values.shape[1] < 2:
        return False
    ones = values == 1
    return bool((ones | (values == 0)).all() and (ones.sum(1) == 1).all())
