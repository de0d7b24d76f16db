"""CUDA graphs: recording what a function launches, and starting it again and again, not too far ahead of the device.

Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Protocol

import torch

MOST_SECONDS_AHEAD = 0.1
"""So much work may wait for the device: enough for the host to be busy with something else for a while, and little
enough to handle requests within a fifth of a second."""
LEAST_AHEAD, FIRST_AHEAD, MOST_AHEAD = 2, 8, 1000
"""Launches that may wait in any case, before it is known how long they take, and at most."""


class Recorded(Protocol):
    """Work on the device that can be started again and again at the cost of one launch."""

    def replay(self) -> None:
        """Starts it; returns before it is done."""


Record = Callable[[Callable[[], None]], Recorded]


class NoRoomError(Exception):
    """A recording keeps for itself all memory that its work takes, and what is left would not do for the same again."""


class CudaRecorder:
    """Records what a function launches, without executing it. All recordings share one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Callable[[], None]) -> Recorded:
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
        return graph

    def _capture(self, graph: torch.cuda.CUDAGraph, work: Callable[[], None]) -> None:
        cause: Exception | None = None
        try:
            # thread_local: what other threads do meanwhile (reading NVML) is no business of this recording.
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                try:
                    work()
                except Exception as error:
                    cause = error
                    raise
        except Exception as error:
            # An operator that may not be captured also spoils the end of the capture, which knows nothing of it.
            raise cause or error from None

    @contextmanager
    def _left_in_order(self) -> Iterator[None]:
        """Whatever fails inside, the stream, the allocator and the generator are not left in the middle of a capture.

        Where the end of a capture fails, PyTorch 2.11 leaves all three behind: then each dropout raises, and running
        out of memory is an internal error.
        """
        stream = torch.cuda.current_stream(self._device)
        try:
            yield
        except Exception:
            torch.cuda.set_stream(stream)
            index = stream.device_index
            with suppress(RuntimeError, AttributeError):  # the first raises if the allocator has been told already
                torch._C._cuda_endAllocateToPool(index, self._pool)
                torch._C._cuda_releasePool(index, self._pool)
            with suppress(RuntimeError, AttributeError):
                _repair(torch.cuda.default_generators[index], self._device)
            raise


def _repair(generator: torch.Generator, device: torch.device) -> None:
    """Gives the generator of a device a state outside of any capture, if it believes to be in one."""
    state = generator.get_state()
    try:
        torch.rand((), device=device)
    except RuntimeError:
        generator.graphsafe_set_state(generator.clone_state())
    generator.set_state(state)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """The garbage collector might destroy an older graph or event, which must not be done during a capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Backlog:
    """Launches that the device has not done yet. A stop or a pause waits for all of them, so that their time counts."""

    def __init__(self) -> None:
        self._launches: deque[torch.cuda.Event] = deque()
        """Of each launch that is not known to be done: an event behind it."""
        self._most = FIRST_AHEAD
        """Launches that may wait for the device; as many as take it `MOST_SECONDS_AHEAD`, once that is known."""
        self._done = 0
        self._waited: tuple[int, float] | None = None
        """How many were done after the last wait, and when that was."""

    def add(self) -> None:
        """Notes a launch; waits for the oldest ones if too many are not done."""
        event = torch.cuda.Event(blocking=True)
        event.record()
        self._launches.append(event)
        while self._launches and self._launches[0].query():
            self._launches.popleft()
            self._done += 1
        if len(self._launches) <= 1:
            self._waited = None  # the device had nothing to do: that time tells nothing
        if (excess := len(self._launches) - self._most) <= 0:
            return
        self._launches[excess - 1].synchronize()
        for _ in range(excess):
            self._launches.popleft()
        self._done += excess
        now = perf_counter()
        if self._waited is not None:
            done, then = self._waited
            launches = MOST_SECONDS_AHEAD * (self._done - done) / max(now - then, 1e-9)
            self._most = min(max(round(launches), LEAST_AHEAD), MOST_AHEAD)
        self._waited = self._done, now
