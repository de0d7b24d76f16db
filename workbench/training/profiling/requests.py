"""Records some steps on request, for a profile or a memory snapshot: when that begins and ends, and what is written.

Recording slows steps, so the clock is stopped meanwhile: they train like all others, but count neither as training
time nor among the timed steps.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import torch

from workbench.errors import StorageError, type_and_first_line
from workbench.runs.control import MOST_PROFILE_STEPS, Command
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, WarningRaised
from workbench.runs.measurements import MemorySnapshot, Profiled
from workbench.runs.writer import EventWriter
from workbench.training.job import Job
from workbench.training.memory import snapshot as memory_snapshot
from workbench.training.profiling.profiler import StepProfiler
from workbench.training.timing.clock import PhaseClock
from workbench.units import count

WARM_UP_STEPS = 10
"""The first steps of a process are not recorded: they allocate memory and load kernels."""
PROFILE_STEPS = 20
"""If a request does not say how many."""
NO_KERNELS = "the GPU has reported no kernel (its counters may be forbidden to this user)"
MEMORY_STEPS = 3
"""In which allocations are recorded before a snapshot of a GPU's memory."""


class _Recording(Protocol):
    """A recording of some steps."""

    command: Command
    """The request for it."""
    steps: int
    """How many it records."""

    def start(self, step: int) -> None:
        """Begins; `step` is the next one."""

    def next_step(self, step: int) -> None:
        """A call of the engine has ended; `step` is the next one."""

    def finish(self, first_step: int, last_step: int, seconds: Callable[[], float]) -> Event:
        """Ends, and writes what those steps did; seconds: since it began. Raises StorageError."""


class Inspection:
    """Makes the requested recordings, one after the other. The trainer calls it between two steps."""

    def __init__(
        self,
        job: Job,
        run: RunDirectory,
        events: EventWriter,
        clock: PhaseClock,
        add_time: Callable[[str, float], float],
    ) -> None:
        """add_time: adds seconds under a name. On a GPU, starts recording the memory history."""
        self.wanted: bool
        """Whether a recording is requested or in progress: all that a step checks."""
        self._job = job
        self._run = run
        self._events = events
        self._clock = clock
        self._add_time = add_time
        self._warm_step = 1 + WARM_UP_STEPS
        """The first step that may be recorded."""
        self._records_warm_up = self._record_warm_up()
        self.wanted = self._records_warm_up
        self._asked: list[_Recording] = []
        self._current: _Recording | None = None
        self._first_step = 0
        self._began = 0.0

    @property
    def is_on(self) -> bool:
        """Whether steps are being recorded now."""
        return self._current is not None

    def open(self, step: int) -> None:
        """Training begins after that step."""
        self._warm_step = step + 1 + WARM_UP_STEPS

    def ask_for_profile(self, steps: float | None) -> str | None:
        """Profiles some of the next steps; returns why not, or None."""
        wanted = PROFILE_STEPS if steps is None else steps
        if not 1 <= wanted <= MOST_PROFILE_STEPS or wanted != int(wanted):
            return f"profile takes a number of steps, from 1 to {MOST_PROFILE_STEPS}"
        return self._ask(_ProfileRecording(int(wanted), self._job, self._run))

    def ask_for_memory(self, step: int) -> str | None:
        """Writes what is in memory: on a GPU after some more steps, else at once. Returns why not, or None."""
        if memory_snapshot.can_record(self._job.device):
            return self._ask(_MemoryRecording(self._job, self._run))
        with self._clock.stopped():
            began = time.perf_counter()
            self._tell("memory_snapshot", step, lambda: memory_snapshot.write_snapshot(self._job, self._run, step, 0))
            self._add_time("profile", time.perf_counter() - began)
        return None

    def _ask(self, recording: _Recording) -> str | None:
        if any(other.command == recording.command for other in (*self._asked, self._current) if other is not None):
            return "one has been requested already"
        self._asked.append(recording)
        self.wanted = True
        return None

    def before_step(self, step: int, steps_left: int, *, last_epoch: bool) -> None:
        """Begins or ends a recording if it is time. step: the next one; steps_left: in this epoch."""
        if self._records_warm_up and step >= self._warm_step:
            self._end_warm_up()
        if self._current is not None:
            if step - self._first_step >= self._current.steps:
                self.end(step - 1)
            else:
                self._current.next_step(step)
        if self._current is None and self._asked and self._is_time(step, steps_left, last_epoch):
            self._begin(self._asked.pop(0), step)

    def _is_time(self, step: int, steps_left: int, last_epoch: bool) -> bool:
        """A recording does not span a validation: it waits for the next epoch if this one has too few steps left."""
        whole_epoch = steps_left >= self._job.steps_per_epoch
        return step >= self._warm_step and (steps_left >= self._asked[0].steps or whole_epoch or last_epoch)

    def _begin(self, recording: _Recording, step: int) -> None:
        self._clock.pause()
        self._began = time.perf_counter()
        if self._job.device.type == "cuda":
            torch.cuda.synchronize(self._job.device)  # queued steps are not part of it
        try:
            recording.start(step)
        except Exception as error:
            self._failed(recording.command, step, error)
            self.wanted = bool(self._asked)
            self._clock.begin()
            return
        self._current, self._first_step = recording, step

    def end(self, last_step: int) -> None:
        """Ends the recording in progress, if there is one, and writes what it holds up to that step."""
        recording, self._current = self._current, None
        if recording is None:
            return
        first_step, began = self._first_step, self._began
        self._tell(
            recording.command,
            last_step,
            lambda: recording.finish(first_step, last_step, lambda: time.perf_counter() - began),
        )
        self._add_time("profile", time.perf_counter() - began)
        self.wanted = bool(self._asked)
        self._clock.begin()

    def close(self, step: int) -> None:
        """Warns of each recording that never began: no step will follow."""
        self._end_warm_up()
        for recording in self._asked:
            self._warn(recording.command, step, f"no step was left for it after step {count(step)}")
        self._asked, self.wanted = [], False

    def _record_warm_up(self) -> bool:
        """Records what the engine and the first steps allocate: most runs that do not fit fail there."""
        if memory_snapshot.can_record(self._job.device):
            with suppress(RuntimeError, TypeError, AttributeError):  # the interface is private to PyTorch
                memory_snapshot.start_recording()
                return True
        return False

    def _end_warm_up(self) -> None:
        if self._records_warm_up:
            memory_snapshot.stop_recording()
        self._records_warm_up = False
        self.wanted = bool(self._asked)

    def _tell(self, command: Command, step: int, write: Callable[[], Event]) -> None:
        """Writes files and their event; a full disk, or a profiler that fails, does not end a run."""
        try:
            event = write()
        except Exception as error:
            self._failed(command, step, error)
        else:
            self._events.write(event)

    def _failed(self, command: Command, step: int, error: Exception) -> None:
        if isinstance(error, StorageError):
            self._warn(command, step, str(error))
            return
        traceback.print_exception(error)
        self._warn(command, step, f"{type_and_first_line(error)} (the traceback is in worker.log)")

    def _warn(self, command: Command, step: int, reason: str) -> None:
        message = f"there is no {command.replace('_', ' ')}: {reason}"
        self._events.write(WarningRaised(step=step, message=message, command=command))


class _ProfileRecording:
    """A profile."""

    command: Command = "profile"

    def __init__(self, steps: int, job: Job, run: RunDirectory) -> None:
        self.steps = steps
        self._device = job.device
        self._run = run
        self._profiler: StepProfiler | None = None

    def start(self, step: int) -> None:
        self._profiler = StepProfiler(step, self._device)

    def next_step(self, step: int) -> None:
        assert self._profiler is not None
        self._profiler.next_step(step)

    def finish(self, first_step: int, last_step: int, seconds: Callable[[], float]) -> Profiled:
        assert self._profiler is not None
        self._profiler.stop()
        path = self._run.profiles / f"step-{first_step}-{last_step}.json.gz"
        found = self._profiler.write(path)
        return Profiled(
            step=last_step,
            first_step=first_step,
            steps=last_step - first_step + 1,
            device=found.device,
            file=str(path.relative_to(self._run.path)),
            bytes=found.bytes,
            seconds=round(seconds(), 3),
            operators=found.operators,
            note=NO_KERNELS if self._device.type == "cuda" and found.device == "cpu" else "",
        )


class _MemoryRecording:
    """A snapshot of a GPU's memory, after some steps in which each allocation is recorded with its frames."""

    command: Command = "memory_snapshot"
    steps = MEMORY_STEPS

    def __init__(self, job: Job, run: RunDirectory) -> None:
        self._job = job
        self._run = run

    def start(self, step: int) -> None:
        memory_snapshot.start_recording()

    def next_step(self, step: int) -> None:
        """The recording continues."""

    def finish(self, first_step: int, last_step: int, seconds: Callable[[], float]) -> MemorySnapshot:
        try:
            return memory_snapshot.write_snapshot(self._job, self._run, last_step, last_step - first_step + 1)
        finally:
            memory_snapshot.stop_recording()
