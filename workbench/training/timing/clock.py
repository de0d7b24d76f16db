"""Measures where the time of each step goes, by phase (`workbench.runs.phases`); the phases add up to it.

On the CPU the host's clock times every step, which costs well under a microsecond a phase. For a GPU see `cuda_clock`;
`choose` picks one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from workbench.training.timing.step_times import Measured, StepTimes


class PhaseClock:
    """Counts steps and their wall time only: the clock when measuring is off, and the base of the others.

    `begin` starts (or after a pause restarts) the clock, `mark(phase)` says which phase has just ended, `end_step`
    ends a step, `pause` stops the clock for anything that is not training. Steps that run while it is stopped, such as
    profiled ones, are not counted.
    """

    def __init__(self) -> None:
        self.training_seconds = 0.0
        """Sum of the times between `begin` and `pause`."""
        self.running = False
        self.now = 0.0
        """Host time of the last mark, also while the clock is stopped: spares others a call of perf_counter."""
        self.total_phases = Measured()
        self.step_times = StepTimes()
        self._window = Measured()
        self._window_start = 0.0

    def begin(self) -> None:
        """Starts the clock."""
        self.running = True
        self.now = self._window_start = perf_counter()

    def pause(self) -> None:
        """Stops the clock until `begin`. Call it between two steps."""
        self.now = perf_counter()
        self._count_wall_time()
        self.running = False

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stops the clock inside the `with`, for what is not training; restarts it afterwards if it ran before."""
        running = self.running
        if running:
            self.pause()
        try:
            yield
        finally:
            if running:
                self.begin()

    def enter(self, phase: str) -> None:
        """`phase` begins: for profilers that show named ranges; only some engines and batch sources call it."""

    def mark(self, phase: str) -> None:
        """`phase` has just ended."""

    def end_step(self, steps: int, samples: int) -> None:
        """`steps` steps with `samples` samples in all have just ended."""
        self.now = perf_counter()
        if self.running:
            self._window.steps += steps
            self._window.samples += samples

    def take(self) -> Measured:
        """Returns what was measured since the last call."""
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
    """Times every phase of every step by the host's clock: correct where the host does the work."""

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
