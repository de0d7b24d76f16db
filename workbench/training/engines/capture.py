"""Captures what a function launches as a CUDA graph, which one launch replays.

Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Protocol

import torch


class Captured(Protocol):
    """Work on the device that can be replayed at the cost of one launch."""

    def replay(self) -> None:
        """Starts it; returns before it is finished."""

    @property
    def is_outdated(self) -> bool:
        """Whether it can no longer be replayed and must be captured again."""


class Capture(Protocol):
    """Makes captured work of functions."""

    def warm_up(self, work: Callable[[], None]) -> None:
        """Executes `work` once as it will be captured, so that everything made on first use exists."""

    def __call__(self, work: Callable[[], None]) -> Captured:
        """Captures `work` without executing it. Raises what `work` raises, or what makes a capture impossible."""


class NoRoomError(Exception):
    """Too little memory is free: a graph keeps all memory that its work takes, and the same work must fit beside it."""


_repairs: Counter[int] = Counter()
"""How often each device's random generator was repaired: graphs captured before that draw from a state that no longer
exists."""


class CudaCaptured:
    """A CUDA graph, and whether the random generator that it draws from still exists."""

    def __init__(self, graph: torch.cuda.CUDAGraph, device_index: int) -> None:
        self.replay = graph.replay
        self._device_index = device_index
        self._repairs = _repairs[device_index]

    @property
    def is_outdated(self) -> bool:
        return self._repairs != _repairs[self._device_index]


class CudaCapture:
    """Captures on a stream of its own. All its graphs share one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._index = torch.cuda.current_device() if device.index is None else device.index
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, work: Callable[[], None]) -> None:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            work()
        current.wait_stream(self._stream)

    def __call__(self, work: Callable[[], None]) -> Captured:
        """Raises what `work` raises, and NoRoomError; whatever is raised, the device can be used as before."""
        graph = torch.cuda.CUDAGraph()
        torch.cuda.empty_cache()
        before = torch.cuda.memory_reserved(self._device)
        with self._left_in_order(), _without_collecting():
            self._capture(graph, work)
        kept, free = torch.cuda.memory_reserved(self._device) - before, torch.cuda.mem_get_info(self._device)[0]
        if kept > free:
            # Short last batches and evaluations are not part of it, and take their memory beside it.
            raise NoRoomError(f"it would keep {kept / 2**30:.1f} GiB for itself, and {free / 2**30:.1f} GiB are free")
        return CudaCaptured(graph, self._index)

    def _capture(self, graph: torch.cuda.CUDAGraph, work: Callable[[], None]) -> None:
        cause: Exception | None = None
        failure: Exception | None = None
        try:
            # thread_local: what other threads do meanwhile, such as reading NVML, does not disturb this capture.
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                try:
                    work()
                except Exception as error:
                    cause = error
                    raise
        except Exception as error:
            # An operator that may not be captured also makes the end of the capture fail, with a useless message.
            failure = cause or error
        try:
            if failure is not None:
                raise failure  # not above, or the end's failure would be its context, which holds it in turn
        finally:
            # Its traceback holds this frame: together they would keep all that the step had allocated.
            del cause, failure

    @contextmanager
    def _left_in_order(self) -> Iterator[None]:
        """Takes the stream, the allocator and the generator out of the capture if anything inside fails.

        Where the end of a capture fails, PyTorch leaves all three behind: then each dropout raises, and running out of
        memory is an internal error. Two private functions mend the allocator; tried on 2.11.
        """
        stream = torch.cuda.current_stream(self._device)
        try:
            yield
        except Exception:
            torch.cuda.set_stream(stream)
            with suppress(RuntimeError, AttributeError):  # the first raises if the allocator knows already
                torch._C._cuda_endAllocateToPool(self._index, self._pool)
                torch._C._cuda_releasePool(self._index, self._pool)
            # The allocator may still take the pool for one that is being filled, and would refuse it to later graphs.
            self._pool = torch.cuda.graph_pool_handle()
            with suppress(RuntimeError, AttributeError):
                if _repair(torch.cuda.default_generators[self._index], self._device):
                    _repairs[self._index] += 1
            raise


def _repair(generator: torch.Generator, device: torch.device) -> bool:
    """Gives a device's generator a new state if it believes to be in a capture; returns whether it did."""
    state = generator.get_state()
    try:
        torch.rand((), device=device)
        is_repaired = False
    except RuntimeError:
        generator.graphsafe_set_state(generator.clone_state())
        is_repaired = True
    generator.set_state(state)
    return is_repaired


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Stops the garbage collector: it might destroy an older graph or event, which is forbidden during a capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def free_unused(device: torch.device) -> None:
    """Frees what a refused capture held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def seconds_of(work: Callable[[], None], device: torch.device) -> float:
    """How long the device takes for `work`; waits for it."""
    if device.type != "cuda":
        started = perf_counter()
        work()
        return perf_counter() - started
    stream = torch.cuda.current_stream(device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record(stream)
    work()
    end.record(stream)
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000
