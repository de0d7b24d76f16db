"""Tracks the memory that a computation would take, without computing it.

PyTorch's fake tensors have shape, type and device but no numbers. All code runs on them unchanged, autograd, autocast
and optimizers included: an operation takes no memory and about ten microseconds.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from workbench.training.memory.flops import flops_of
from workbench.training.memory.workspaces import CONVOLUTIONS, OperatorCall

CUDA_GRANULARITY = 512
"""CUDA's allocator rounds each allocation up to a multiple of this many bytes."""


@dataclass(slots=True)
class Block:
    """The memory of one storage."""

    bytes: int
    kind: str


class MemoryTracker(TorchDispatchMode):
    """Inside the `with`, tensors are fake; each storage counts from its allocation until it is freed.

    granularity: the device's allocator rounds each allocation up to a multiple of this many bytes.
    """

    def __init__(self, granularity: int = 1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = self.peak_bytes = 0
        """Allocated now, and the most since the last `reset_peak`."""
        self.flops = 0
        """Of matrix products, convolutions and attention so far."""
        self.convolutions: dict[OperatorCall, int] = {}
        """Most bytes allocated right after each distinct convolution, since the last `reset_peak`."""
        # Tensors that a job keeps beside its model (class weights, means) may be real.
        self._fake: Any = FakeTensorMode(allow_non_fake_inputs=True)
        self._granularity = granularity
        self.kind: str | None = "rest"
        """Of what is allocated from now on; None: it is not counted."""
        self._blocks: dict[int, tuple[Block, weakref.ref[Any]]] = {}
        self._at_peak: list[Block] = []

    def __enter__(self) -> Self:
        self._fake.__enter__()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]
        self._fake.__exit__(kind, error, traceback)

    @contextmanager
    def category(self, kind: str | None) -> Iterator[None]:
        """What is allocated inside the `with` is of this kind; with None it is not counted."""
        before, self.kind = self.kind, kind
        try:
            yield
        finally:
            self.kind = before

    def recategorize(self, tensor: Tensor, kind: str) -> None:
        """Changes the kind of a tensor that is alive, at the last peak too."""
        found = self._blocks.get(tensor.untyped_storage()._cdata)
        if found is not None:
            found[0].kind = kind

    def reset_peak(self) -> None:
        """The peak is what is alive now, until more is."""
        self.convolutions.clear()
        self._note_peak()

    def kinds_at_peak(self) -> dict[str, int]:
        """Bytes of each kind that were alive at the peak."""
        kinds: dict[str, int] = {}
        for block in self._at_peak:
            kinds[block.kind] = kinds.get(block.kind, 0) + block.bytes
        return kinds

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._local_scalar_dense.default and isinstance(args[0], FakeTensor):
            return _any_number(args[0].dtype)
        if func._schema.name.startswith("aten::_fused_"):
            return None  # fused optimizers work in place; not all of them support fake tensors
        result = func(*args, **kwargs)
        self.flops += flops_of(func, args, result)
        for made in tree_leaves(result):
            if isinstance(made, FakeTensor):
                self._track(made.untyped_storage())
        if func in CONVOLUTIONS:
            call = OperatorCall.of(func, args)
            self.convolutions[call] = max(self.convolutions.get(call, 0), self.bytes)
        return result

    def _track(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._blocks:
            return
        size = 0 if self.kind is None else -(-storage.nbytes() // self._granularity) * self._granularity
        self._blocks[key] = Block(size, self.kind or "rest"), weakref.ref(storage, self._freed(key, size))
        self.bytes += size
        if self.bytes > self.peak_bytes:
            self._note_peak()

    def _freed(self, key: int, size: int) -> Callable[[Any], None]:
        """What is called when a storage is freed."""

        def free(_: Any) -> None:
            if self._blocks.pop(key, None) is not None:
                self.bytes -= size

        return free

    def _note_peak(self) -> None:
        self.peak_bytes = self.bytes
        self._at_peak = [block for block, _ in self._blocks.values()]


def _any_number(dtype: torch.dtype) -> float | int | bool:
    """What `.item()` returns: a number with which the caller can continue."""
    if dtype == torch.bool:
        return True
    return 2.0 if dtype.is_floating_point else 1  # not 1.0: NAdam divides by 1 less such a number
