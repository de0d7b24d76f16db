"""Measures the memory that cuDNN takes while it computes a convolution, which no fake tensor can tell.

cuDNN takes its workspace from PyTorch's allocator for the time of a call. How large it is depends on the algorithm, so
the convolution is computed once, on the device, with tensors of the same shapes. Where cuDNN tries its algorithms
(`torch.backends.cudnn.benchmark`), the largest workspace is that of a trial, here as in a training's first step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CONVOLUTIONS = frozenset({torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default})


@dataclass(frozen=True)
class TensorShape:
    """What must be known of a tensor to make another one like it."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def empty(self, device: torch.device) -> Tensor:
        """A tensor of this shape, whatever numbers it holds."""
        return torch.empty_strided(self.size, self.stride, dtype=self.dtype, device=device)


@dataclass(frozen=True)
class OperatorCall:
    """A call of an operator: tensors by their shapes, other arguments as they are."""

    operator: Any
    arguments: tuple[Any, ...]

    @classmethod
    def of(cls, operator: Any, arguments: tuple[Any, ...]) -> OperatorCall:
        """The call of an operator with these arguments, equal to every other with the same shapes."""
        return cls(operator, tuple(_hashable(argument) for argument in arguments))

    def workspace_bytes(self, device: torch.device) -> int:
        """Runs the call on a CUDA device; the most bytes allocated during it that its results do not hold.

        Resets the device's peak statistics. Raises torch.OutOfMemoryError and what the operator raises.
        """
        made = [
            argument.empty(device) if isinstance(argument, TensorShape) else argument for argument in self.arguments
        ]
        torch.cuda.reset_peak_memory_stats(device)
        with torch.no_grad():
            results = self.operator(*made)
        workspace = torch.cuda.max_memory_allocated(device) - torch.cuda.memory_allocated(device)
        del results
        return workspace


def _hashable(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return TensorShape(tuple(argument.shape), tuple(argument.stride()), argument.dtype)
    return tuple(argument) if isinstance(argument, (list, tuple)) else argument
