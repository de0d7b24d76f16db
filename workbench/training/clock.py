"""Where the time of each step goes: data, transfer, forward, backward, metrics, optimizer, rest; they add up to it.

On the CPU every step is timed by the host's clock, which costs well under a microsecond a phase. On a GPU the host
only queues work, so a sample of the steps is timed by CUDA events, which the GPU stamps as it passes them; they are
read later, when they have long been done, so that nothing ever waits.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter

import numpy as np
import torch

PHASES = ("data", "transfer", "forward", "backward", "metrics", "optimizer", "rest")

PROFILED_VARIABLE = "NSYS_PROFILING_SESSION_ID"
"""The environment variable that `nsys profile` gives to the processes that it watches."""

GPU_SAMPLE_SECONDS = 0.05
"""Least time between two steps that are timed on a GPU."""

_BINS_PER_DECADE = 120
"""Resolution of the run's percentiles: 10 ** (1 / 120), about 2 %."""


@dataclass
class Measured:
    """What was measured over some steps."""

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0
    """Wall time of those steps."""
    timed_steps: int = 0
    phase_seconds: dict[str, float] = field(default_factory=dict)
    """Sum over the timed steps."""
    step_ms: list[float] = field(default_factory=list)
    """One number a timed step."""

    def phase_ms(self) -> dict[str, float]:
        """Mean milliseconds a step of each phase that was seen."""
        return {
            phase: round(1000 * self.phase_seconds[phase] / self.timed_steps, 6)
            for phase in PHASES
            if phase in self.phase_seconds
        }


class StepTimes:
    """Percentiles of step times over a run of any length, in constant memory: a histogram with bins 2 % wide."""

    def __init__(self) -> None:
        self._counts = np.zeros(9 * _BINS_PER_DECADE, dtype=np.int64)  # from 1 µs to 1000 s
        self._max = 0.0

    def add(self, step_ms: list[float]) -> None:
        """Counts some step times, in milliseconds."""
        if step_ms:
            bins = np.log10(np.maximum(step_ms, 1e-3)) * _BINS_PER_DECADE + 3 * _BINS_PER_DECADE
            np.add.at(self._counts, np.minimum(bins.astype(np.int64), len(self._counts) - 1), 1)
            self._max = max(self._max, *step_ms)

    def percentiles(self) -> dict[str, float]:
        """p50, p95, p99 and max in milliseconds; empty before the first step."""
        total = int(self._counts.sum())
        if total == 0:
            return {}
        cumulative = np.cumsum(self._counts)
        found = {}
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            bin_index = int(np.searchsorted(cumulative, share * total))
            centre = 10 ** ((bin_index + 0.5) / _BINS_PER_DECADE - 3)
            found[name] = round(min(centre, self._max), 6)
        return found | {"max": round(self._max, 6)}


def percentiles(step_ms: list[float]) -> dict[str, float]:
    """p50, p95, p99 and max of a few step times, exactly; empty for none."""
    if not step_ms:
        return {}
    p50, p95, p99 = np.percentile(step_ms, [50, 95, 99])
    return {
        name: round(float(value), 6)
        for name, value in (("p50", p50), ("p95", p95), ("p99", p99), ("max", max(step_ms)))
    }


class PhaseClock:
    """Counts steps and their wall time, and no more: the clock when measuring is off, and the base of the others.

    Steps that are done while it stands still (because they are being profiled) are not counted.

    `begin` starts (or after a pause restarts) the clock, `mark(phase)` says which phase has just ended, `end_step`
    ends a step, `pause` stops the clock for validation and pauses.
    """

    def __init__(self) -> None:
        self.training_seconds = 0.0
        """Between `begin` and `pause`, all of them added up."""
        self.running = False
        self.now = 0.0
        """Host time of the last mark, also while the clock stands still: spares the trainer a look at the clock."""
        self.total_phases = Measured()
        self.step_times = StepTimes()
        self._window = Measured()
        self._window_start = 0.0

    def begin(self) -> None:
        """The clock runs from now."""
        self.running = True
        self.now = self._window_start = perf_counter()

    def pause(self) -> None:
        """The clock stands still until `begin`. Call it between two steps."""
        self.now = perf_counter()
        self._count_wall_time()
        self.running = False

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stands still inside the `with`, for what is not training; runs again after it if it ran before."""
        running = self.running
        if running:
            self.pause()
        try:
            yield
        finally:
            if running:
                self.begin()

    def enter(self, phase: str) -> None:
        """`phase` begins: told by those engines and feeds that know, for profilers that show named ranges."""

    def mark(self, phase: str) -> None:
        """`phase` has just ended."""

    def end_step(self, steps: int, samples: int) -> None:
        """`steps` steps with `samples` samples in all have just ended."""
        self.now = perf_counter()
        if self.running:
            self._window.steps += steps
            self._window.samples += samples

    def take(self) -> Measured:
        """What was measured since the last call."""
        self._count_wall_time()
        taken, self._window = self._window, Measured()
        self.step_times.add(taken.step_ms)
        total = self.total_phases
        total.steps += taken.steps
        total.samples += taken.samples
        total.seconds += taken.seconds
        total.timed_steps += taken.timed_steps
        for phase, seconds in taken.phase_seconds.items():
            total.phase_seconds[phase] = total.phase_seconds.get(phase, 0.0) + seconds
        return taken

    def elapsed(self) -> float:
        """Training seconds up to now."""
        return self.training_seconds + (max(self.now - self._window_start, 0.0) if self.running else 0.0)

    def _count_wall_time(self) -> None:
        if not self.running:
            return
        seconds = self.now - self._window_start
        self._window.seconds += seconds
        self.training_seconds += seconds
        self._window_start = self.now

    def _add_phase(self, phase: str, seconds: float) -> None:
        sums = self._window.phase_seconds
        sums[phase] = sums.get(phase, 0.0) + seconds


class HostClock(PhaseClock):
    """Times every phase of every step by the host's clock: right where the host does the work."""

    def __init__(self) -> None:
        super().__init__()
        self._step_start = 0.0

    def begin(self) -> None:
        super().begin()
        self._step_start = self.now

    def pause(self) -> None:
        self.mark("rest")
        super().pause()

    def mark(self, phase: str) -> None:
        now = perf_counter()
        if self.running:
            self._add_phase(phase, now - self.now)
        self.now = now

    def end_step(self, steps: int, samples: int) -> None:
        before = self.now
        super().end_step(steps, samples)
        if not self.running:
            return
        self._add_phase("rest", self.now - before)
        self._window.timed_steps += 1
        self._window.step_ms.append(1000 * (self.now - self._step_start))
        self._step_start = self.now


Borders = list[tuple[str, "torch.cuda.Event"]]
"""Events of a step, in order: what had just ended at each."""


@dataclass(frozen=True)
class _TimedReplay:
    """Replays that were timed, as soon as the device has done them."""

    steps: int
    start: torch.cuda.Event
    """Before the plain replay of so many steps."""
    end: torch.cuda.Event
    done: torch.cuda.Event
    """After the replay of a step with events at its borders, which follows."""
    borders: Borders


class CudaClock(PhaseClock):
    """Times the phases of a sample of the steps by CUDA events on the current stream.

    Steps that are replayed as CUDA graphs cannot be looked into. For those a second graph of the same step, with events
    at the borders of its phases, is replayed in place of the plain one now and then: it tells the phases' shares, and
    a plain replay just before it how long a step is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next_sample = 0.0
        self._events: Borders | None = None
        """Those of the step being timed."""
        self._unread: deque[Borders] = deque()
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
            self._record(phase)

    def end_step(self, steps: int, samples: int) -> None:
        if self._events is not None:
            self._record("rest")
            self._unread.append(self._events)
            self._events = None
        super().end_step(steps, samples)
        if self.running:
            self._start_step()

    def take(self) -> Measured:
        while self._unread and self._unread[0][-1][1].query():
            events = self._unread.popleft()
            for (_, earlier), (phase, later) in pairwise(events):
                self._add_phase(phase, earlier.elapsed_time(later) / 1000)
            self._window.timed_steps += 1
            self._window.step_ms.append(events[0][1].elapsed_time(events[-1][1]))
        self._read_replay()
        return super().take()

    @contextmanager
    def noting_borders(self) -> Iterator[Borders]:
        """Inside the `with`, marks become part of the graph being recorded; from then on only replays are timed.

        Raises TypeError where this PyTorch has no such events.
        """
        self._events, self._external = [], True
        try:
            yield self._events
            self._replays = True
        finally:
            self._events, self._external = None, False

    def wants_replay(self) -> bool:
        """Whether it is time to time a replay, and the last one that was timed is done."""
        if not self.running or self.now < self._next_sample:
            return False
        self._read_replay()
        return self._unread_replay is None

    def time_replays(self, steps: int, plain: Callable[[], None], timed: Callable[[], None], borders: Borders) -> None:
        """Starts a plain replay of `steps` steps, which is timed, and one of a step with events at its `borders`."""
        self._next_sample = self.now + GPU_SAMPLE_SECONDS
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        # Whether a graph's own events have been passed in this replay or in the one before cannot be asked of them.
        done = torch.cuda.Event()
        start.record()
        plain()
        end.record()
        timed()
        done.record()
        self._unread_replay = _TimedReplay(steps, start, end, done, borders)

    def _read_replay(self) -> None:
        replay = self._unread_replay
        if replay is None or not replay.done.query():
            return
        self._unread_replay = None
        step_ms = replay.start.elapsed_time(replay.end) / replay.steps
        parts = [(phase, earlier.elapsed_time(later)) for (_, earlier), (phase, later) in pairwise(replay.borders)]
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
            self._record("start")

    def _record(self, phase: str) -> None:
        external = {"external": True} if self._external else {}
        event = torch.cuda.Event(enable_timing=True, **external)
        event.record()
        assert self._events is not None
        self._events.append((phase, event))


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


def make_clock(device: torch.device, measure: bool) -> PhaseClock:
    """The clock for a device."""
    if not measure:
        return PhaseClock()
    if device.type != "cuda":
        return HostClock()
    return NvtxClock() if PROFILED_VARIABLE in os.environ else CudaClock()
