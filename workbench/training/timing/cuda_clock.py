"""Measures the phases of a step on a GPU.

The host only queues work, so a sample of the steps is timed with CUDA events, which the GPU stamps as it reaches them.
They are read later, when they are long done, so that nothing ever waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch

from workbench.training.timing.clock import PhaseClock
from workbench.training.timing.step_times import Measured

GPU_SAMPLE_SECONDS = 0.05
"""Least time between two timed steps."""

PhaseEvents = list[tuple[str, "torch.cuda.Event"]]
"""Events of a step, in order: what had just ended at each."""


@dataclass(frozen=True)
class _TimedReplay:
    """Replays whose times can be read as soon as the device has done them."""

    steps: int
    start: torch.cuda.Event
    """Before the plain replay of `steps` steps."""
    end: torch.cuda.Event
    done: torch.cuda.Event
    """After the replay of a step with events at its phase_events, which follows."""
    phase_events: PhaseEvents


class CudaClock(PhaseClock):
    """Times the phases of a sample of the steps by CUDA events on the current stream.

    Steps that are replayed as CUDA graphs cannot be looked into. For those a second graph of the same step, with events
    at the ends of its phases, is replayed in place of the plain one now and then: it tells which fraction of a step
    each phase takes, and a plain replay just before it how long a step is.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        """device: whose stream events are recorded on; None: the current device's."""
        super().__init__()
        self._device = device
        self._next_sample = 0.0
        self._events: PhaseEvents | None = None
        """The events of the step being timed."""
        self._unread: deque[tuple[int, PhaseEvents]] = deque()
        """Of calls of the engine: their steps and events."""
        self._external = False
        """Whether events are being made part of a graph."""
        self._replays = False
        self._unread_replay: _TimedReplay | None = None

    def begin(self) -> None:
        super().begin()
        self._start_step()

    def pause(self) -> None:
        super().pause()
        self._events = None  # a step that a pause or a validation interrupts is not timed

    def mark(self, phase: str) -> None:
        if self._events is not None:
            self._add_event(phase)

    def end_step(self, steps: int, samples: int) -> None:
        if self._events is not None:
            self._add_event("rest")
            self._unread.append((steps, self._events))
            self._events = None
        super().end_step(steps, samples)
        if self.running:
            self._start_step()

    def take(self) -> Measured:
        while self._unread and self._unread[0][1][-1][1].query():
            steps, events = self._unread.popleft()
            for (_, earlier), (phase, later) in pairwise(events):
                self._add_phase(phase, earlier.elapsed_time(later) / 1000 / steps)
            self._window.timed_steps += 1
            self._window.step_ms.append(events[0][1].elapsed_time(events[-1][1]) / steps)
        self._read_replay()
        return super().take()

    @contextmanager
    def capturing_phase_events(self) -> Iterator[PhaseEvents]:
        """Inside the `with`, marks become part of the graph being captured; from then on only replays are timed.

        Raises TypeError, before anything is captured, where this PyTorch has no such events (before 2.8).
        """
        torch.cuda.Event(enable_timing=True, external=True)
        self.forget_replays()
        self._events, self._external = [], True
        try:
            yield self._events
            self._replays = True
        finally:
            self._events, self._external = None, False

    def forget_replays(self) -> None:
        """Times steps from outside again: captured phase events are not replayed any more."""
        self._replays = False

    def wants_replay(self) -> bool:
        """Whether it is time to time a replay, and the last one that was timed is done."""
        if not self.running or self.now < self._next_sample:
            return False
        self._read_replay()
        return self._unread_replay is None

    def time_replays(
        self, steps: int, plain: Callable[[], None], timed: Callable[[], None], phase_events: PhaseEvents
    ) -> None:
        """Starts a plain replay of `steps` steps, which is timed, and one of a step with its `phase_events`."""
        self._next_sample = self.now + GPU_SAMPLE_SECONDS
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        # Events inside a graph cannot tell whether this replay or the previous one passed them.
        done = torch.cuda.Event()
        self._record(start)
        plain()
        self._record(end)
        timed()
        self._record(done)
        self._unread_replay = _TimedReplay(steps, start, end, done, phase_events)

    def _read_replay(self) -> None:
        replay = self._unread_replay
        if replay is None or not replay.done.query():
            return
        self._unread_replay = None
        step_ms = replay.start.elapsed_time(replay.end) / replay.steps
        parts = [(phase, earlier.elapsed_time(later)) for (_, earlier), (phase, later) in pairwise(replay.phase_events)]
        whole = sum(milliseconds for _, milliseconds in parts)
        if whole <= 0:
            return
        for phase, milliseconds in parts:
            self._add_phase(phase, step_ms * milliseconds / whole / 1000)
        self._window.timed_steps += 1
        self._window.step_ms.append(step_ms)

    def _start_step(self) -> None:
        if self.now >= self._next_sample and not self._replays:
            self._next_sample = self.now + GPU_SAMPLE_SECONDS
            self._events = []
            self._add_event("start")

    def _add_event(self, phase: str) -> None:
        external = {"external": True} if self._external else {}
        event = torch.cuda.Event(enable_timing=True, **external)
        self._record(event)
        assert self._events is not None
        self._events.append((phase, event))

    def _record(self, event: torch.cuda.Event) -> None:
        """On the device's own stream: where a process trains on two devices, the current one may be the other."""
        if self._device is None:
            event.record()
        else:
            event.record(torch.cuda.current_stream(self._device))


class NvtxRanges(PhaseClock):
    """Names the phases for NVIDIA's profilers, above what another clock does."""

    FOLLOWS = {"forward": "backward", "backward": "metrics"}
    """Phases that begin where another ends, inside a graph of operators."""

    def __init__(self) -> None:
        super().__init__()
        self._is_in_range = False

    def enter(self, phase: str) -> None:
        self._leave()
        torch.cuda.nvtx.range_push(phase)
        self._is_in_range = True

    def mark(self, phase: str) -> None:
        super().mark(phase)
        if phase in self.FOLLOWS:
            self.enter(self.FOLLOWS[phase])
        else:
            self._leave()

    def pause(self) -> None:
        self._leave()
        super().pause()

    def _leave(self) -> None:
        if self._is_in_range:
            torch.cuda.nvtx.range_pop()
            self._is_in_range = False


class NvtxClock(NvtxRanges, CudaClock):
    """The clock of a GPU while `nsys profile` watches."""

    def __init__(self, device: torch.device | None = None) -> None:
        super().__init__()
        self._device = device
