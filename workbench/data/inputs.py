"""The inputs of a sample or a batch: one tensor, or tensors by name, such as ids and their lengths.

This is the one place that knows how to move, index and count both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Inputs = Tensor | Mapping[str, Tensor]
"""One tensor, or tensors by name. Those of a batch all have the samples as their first dimension."""


def map_inputs(inputs: Inputs, change: Callable[[Tensor], Tensor]) -> Inputs:
    """The inputs with each of their tensors changed."""
    return change(inputs) if isinstance(inputs, Tensor) else {name: change(tensor) for name, tensor in inputs.items()}


def tensors_of(inputs: Inputs) -> list[Tensor]:
    """The tensors that the inputs consist of."""
    return [inputs] if isinstance(inputs, Tensor) else list(inputs.values())


def bytes_of(inputs: Inputs) -> int:
    """What the inputs take in memory."""
    return sum(tensor.nbytes for tensor in tensors_of(inputs))


def describe(inputs: Inputs) -> dict[str, Any]:
    """Shape and type of one sample as plain data: {"shape": [3, 32, 32], "type": "float32"}, or such by name."""
    if isinstance(inputs, Tensor):
        return {"shape": list(inputs.shape[1:]), "type": str(inputs.dtype).removeprefix("torch.")}
    return {str(name): describe(tensor) for name, tensor in inputs.items()}


def made_up(description: Mapping[str, Any]) -> Inputs:
    """Two samples as described: zeros, or ones where they come by name, for no sequence has length 0.

    Raises LookupError, TypeError or AttributeError where nothing is described.
    """
    if isinstance(description.get("shape"), list):
        return torch.zeros(2, *description["shape"], dtype=dtype_named(description["type"]))
    return {
        name: torch.ones(2, *tensor["shape"], dtype=dtype_named(tensor["type"])) for name, tensor in description.items()
    }


def dtype_named(name: str) -> torch.dtype:
    """The type that PyTorch calls by this name, such as float32. Raises TypeError where there is none."""
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise TypeError(f"{name!r} is not a type of numbers")
    return found
