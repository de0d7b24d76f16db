"""The inputs of a sample or a batch: one tensor, or tensors by name, such as ids and their lengths.

Functions here handle both, so that other code need not distinguish them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Inputs = Tensor | Mapping[str, Tensor]
"""One tensor, or tensors by name. The first dimension of each tensor of a batch is the samples."""


RAW_TEXT: dict[str, Any] = {"type": "text"}
"""The description of one raw sample that is a text."""


def map_inputs(inputs: Inputs, change: Callable[[Tensor], Tensor]) -> Inputs:
    """Applies `change` to each tensor of the inputs."""
    return change(inputs) if isinstance(inputs, Tensor) else {name: change(tensor) for name, tensor in inputs.items()}


def tensors_of(inputs: Inputs) -> list[Tensor]:
    """The tensors of the inputs."""
    return [inputs] if isinstance(inputs, Tensor) else list(inputs.values())


def bytes_of(inputs: Inputs) -> int:
    """The size of the inputs in memory, in bytes."""
    return sum(tensor.nbytes for tensor in tensors_of(inputs))


def describe(inputs: Inputs) -> dict[str, Any]:
    """Shape and dtype of one sample as plain data: {"shape": [3, 32, 32], "type": "float32"}, or these by name."""
    if isinstance(inputs, Tensor):
        return {"shape": list(inputs.shape[1:]), "type": str(inputs.dtype).removeprefix("torch.")}
    return {str(name): describe(tensor) for name, tensor in inputs.items()}


def example_inputs(description: Mapping[str, Any]) -> Inputs:
    """Makes two samples from a description: zeros, or ones for tensors by name, because a length must not be 0.

    Raises LookupError, TypeError or AttributeError if the description is invalid.
    """
    if isinstance(description.get("shape"), list):
        return torch.zeros(2, *description["shape"], dtype=dtype_named(description["type"]))
    return {
        name: torch.ones(2, *tensor["shape"], dtype=dtype_named(tensor["type"])) for name, tensor in description.items()
    }


def dtype_named(name: str) -> torch.dtype:
    """The torch.dtype of this name, such as float32. Raises TypeError if there is none."""
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise TypeError(f"{name!r} is not a dtype")
    return found
