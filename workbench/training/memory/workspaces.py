"""Measures the workspaces of cuBLAS and cuDNN on the device, which no fake tensor shows.

Both take them from PyTorch's allocator. cuBLAS keeps one for each thread and stream. cuDNN takes one for the time of a
call, and its size depends on the algorithm (an H200 took 2.3 GiB for one layer of ResNet-9): so each distinct
convolution is computed once with tensors of its shapes, by the algorithm that cuDNN takes untried. Trying all of them
would take seconds, and whatever memory is free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CONVOLUTIONS = frozenset({torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default})


def cublas_workspace_bytes(device: torch.device, *, captures: bool) -> int:
    """Bytes that cuBLAS keeps from its first matrix product on, in a process that has computed none: tens of MiB each.

    Forward and backward run in threads of their own. captures: steps are also captured, on a stream of its own.
    """
    before = torch.cuda.memory_allocated(device)
    ones = torch.ones(16, 16, device=device, requires_grad=True)  # draws no random numbers
    F.linear(ones, ones, ones[0]).sum().backward()
    del ones
    streams = 2 if captures else 1
    return streams * (torch.cuda.memory_allocated(device) - before)


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
        """The call of an operator with these arguments, equal to every other one with the same shapes."""
        return cls(operator, tuple(_hashable(argument) for argument in arguments))

    def run_once(self, device: torch.device) -> int:
        """Runs the call on a CUDA device; returns the most bytes allocated meanwhile that are not its results."""
        made = [
            argument.empty(device) if isinstance(argument, TensorShape) else argument for argument in self.arguments
        ]
        torch.cuda.reset_peak_memory_stats(device)
        with torch.no_grad():
            results = self.operator(*made)
        workspace = torch.cuda.max_memory_allocated(device) - torch.cuda.memory_allocated(device)
        del results
        return workspace


def convolution_workspaces(calls: Iterable[OperatorCall], device: torch.device) -> dict[OperatorCall, int]:
    """The bytes of cuDNN's workspace for each convolution; about ten milliseconds for each distinct one.

    Takes at most half of the memory that is free: other processes may be training. Resets the device's peak statistics.
    Raises torch.OutOfMemoryError, and RuntimeError where cuDNN refuses a shape.
    """
    cudnn = torch.backends.cudnn
    benchmark, cudnn.benchmark = cudnn.benchmark, False
    free, total = torch.cuda.mem_get_info(device)
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(device) + free / 2) / total, device)
    try:
        return {call: call.run_once(device) for call in set(calls)}
    finally:
        cudnn.benchmark = benchmark
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        torch.cuda.empty_cache()


def _hashable(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return TensorShape(tuple(argument.shape), tuple(argument.stride()), argument.dtype)
    return tuple(argument) if isinstance(argument, (list, tuple)) else argument
