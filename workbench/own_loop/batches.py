"""How many batches the data of a loop has, and how many samples a batch has."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sized
from typing import Any


def length(data: Any) -> int | None:
    """How many batches there are; None if the data does not say."""
    try:
        return len(data) if isinstance(data, Sized) else None
    except (TypeError, NotImplementedError):  # a DataLoader over a stream has the method, and it raises
        return None


def samples_in(batch: Any) -> int | None:
    """How many samples a batch has: the first size of its first array; None if it has none."""
    kind = type(batch)
    if kind is tuple or kind is list:
        batch = batch[0] if batch else None
    elif isinstance(batch, Mapping):
        batch = next(iter(batch.values()), None)
    shape = getattr(batch, "shape", None)
    return shape[0] if shape else None


def is_torch_loader(data: Any) -> bool:
    """Whether the data is read by a DataLoader of PyTorch's."""
    loaders = getattr(sys.modules.get("torch.utils.data"), "DataLoader", None)
    return loaders is not None and isinstance(data, loaders)
