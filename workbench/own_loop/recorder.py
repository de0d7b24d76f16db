"""Writes what a watched loop reports, and reads what is asked of it, in a thread: the loop never waits for the disk."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.devices.cores import CoreMonitor
from workbench.devices.gpu import GpuMonitor
from workbench.devices.host import HostMonitor
from workbench.errors import RunDeletedError, StorageError, type_and_first_line
from workbench.runs.control import ControlReader, Request
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event
from workbench.runs.lock import Claim, claim
from workbench.runs.measurements import Memory
from workbench.runs.status import Summary
from workbench.runs.writer import EventWriter
from workbench.training.processes.environment import write_environment
from workbench.training.timing.timing_event import timing_event

if TYPE_CHECKING:
    from workbench.training.timing.step_times import Measured

POLL_SECONDS = 0.1
"""Time between two looks at what the loop has reported, and at what is asked of it."""
MEMORY_SECONDS = 1.0
"""Time between two readings of the machine."""
RETRY_SECONDS = 1.0
"""Time until a disk that refused an event is tried again."""
MOST_WAITING = 10_000
"""Events that are kept while the disk takes none; then the oldest are dropped."""
CLOSE_SECONDS = 10.0
"""How long the end of the loop waits for the last events: a disk that hangs must not hold up a training."""

ReadMemory = Callable[[], dict[str, int]]
"""What torch's allocator holds, as fields of a memory event."""


class Recorder:
    """The events of one watched run on their way to its file. Problems are reported once on stderr, and end nothing."""

    def __init__(self, run: RunDirectory | None = None, *, measure: bool = True) -> None:
        """Takes the run's lock. run: None: nothing is recorded. measure: whether the machine is read.

        Raises StorageError.
        """
        self.run = run
        self.host_peak_rss_bytes: int | None = None
        self.gpu_busy_fraction: float | None = None
        self.torch_memory: ReadMemory | None = None
        """Set by the loop once its device is known."""
        self.gpu_uuid: str | None = None
        """Likewise, on an NVIDIA GPU."""
        self.step = 0
        """The last step, for readings of the machine."""
        self._events: EventWriter | None = None
        self._measure = measure
        self._waiting: deque[Event | tuple[int, Measured]] = deque(maxlen=MOST_WAITING)
        self._requests: deque[Request] = deque()
        self._is_lost = run is None
        """Whether nothing more is recorded."""
        self._is_gone = run is None
        """Whether the run's directory is gone, or its disk hangs: then not even the end is recorded."""
        self._has_warned = False
        self._retry_at = 0.0
        self._ended = threading.Event()
        self._monitors: tuple[HostMonitor, CoreMonitor, GpuMonitor | None] | None = None
        self._busy: Any = None
        self._next_memory = 0.0
        self.is_in_child = False
        """Whether this is the copy of it in a forked child: the run is its parent's, which continues to record it."""
        self.is_prepared = False
        """Whether the loop has made its first step: then its PyTorch is there, and where it computes is known."""
        self._has_environment = False
        self._thread = threading.Thread(target=self._work, name="workbench-watch", daemon=True)
        self._claim: Claim | None = None
        if run is not None:
            self._claim, self._control = claim(run), ControlReader(run.control, time.time())
            try:
                self._events = EventWriter(run.events)
            except StorageError:
                self._claim.close()
                raise
            in_child = weakref.WeakMethod(self._leave_to_parent)  # hooks of forks stay as long as the program
            os.register_at_fork(after_in_child=lambda: (call := in_child()) and call())
            self._thread.start()

    def _leave_to_parent(self) -> None:
        """In a forked child: it records nothing of its parent's run, not even how it ends, and says nothing."""
        self.is_in_child = True
        self._is_lost = self._is_gone = self._has_warned = True
        self._waiting.clear()
        self._requests.clear()
        self._claim = None  # its descriptors are closed in the child already

    # For the loop's own thread.

    def write(self, event: Event) -> Event:
        """Hands over an event."""
        if not self._is_lost:
            self._waiting.append(event)
        return event

    def write_timing(self, step: int, measured: Measured) -> None:
        """Hands over what was measured of the steps since the last call."""
        if not self._is_lost:
            self._waiting.append((step, measured))

    def read(self) -> list[Request]:
        """What was asked since the last call."""
        found = []
        while self._requests:
            found.append(self._requests.popleft())
        return found

    @property
    def has_requests(self) -> bool:
        """Whether anything was asked that has not been read."""
        return bool(self._requests)

    def close(self) -> None:
        """Writes what waits, and ends the thread."""
        if not self._thread.is_alive():
            return
        self._ended.set()
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self._is_lost = self._is_gone = True
            self._warn("the disk takes no more events")

    def save(self, summary: Summary, last: Event) -> None:
        """Writes the summary and the last event, and releases the run. To be called after `close`."""
        run = self.run
        if run is None or self._claim is None:
            return
        try:
            if not self._is_gone:  # a summary would bring the directory back
                self._is_lost = False
                summary.save(run)
                self._waiting.append(last)
                self._write_all(retry=True)
        except StorageError as error:
            self._warn(str(error))
        finally:
            self._is_lost = True
            if self._events is not None:
                with suppress(OSError):
                    self._events.close()
            self._claim.close()

    def give_up(self, error: Exception) -> None:
        """Records nothing but the end any more, after a fault that is not the user's: training must not end by it."""
        self._warn(f"nothing more is recorded: {type_and_first_line(error)}")
        self._is_lost = True

    # For the thread.

    def _work(self) -> None:
        try:
            while not self._ended.wait(POLL_SECONDS):
                self._write_all()
                self._requests.extend(self._control.read())
                self._read_machine()
                self._write_environment()
            self._write_all(retry=True)
            self._write_environment()
        except Exception as error:
            self.give_up(error)
        finally:
            if self._monitors is not None and self._monitors[2] is not None:
                self._monitors[2].close()

    def _write_all(self, *, retry: bool = False) -> None:
        """retry: also if the disk has refused an event a moment ago."""
        while self._waiting and not self._is_lost:
            if self._events is None and not self._reopen(retry):
                return
            event = self._waiting[0]
            try:
                assert self._events is not None
                self._events.write(event if isinstance(event, Event) else self._timing(*event))
            except RunDeletedError as error:
                self._is_lost = self._is_gone = True
                self._warn(str(error).removesuffix(": training ends"), "training continues unwatched")
            except StorageError as error:
                self._warn(str(error))
                with suppress(OSError):
                    self._events.close()  # type: ignore[union-attr]
                self._events, self._retry_at = None, time.monotonic() + RETRY_SECONDS
                return
            with suppress(IndexError):
                self._waiting.popleft()

    def _reopen(self, retry: bool) -> bool:
        """Opens the file again, which ends the line that a full disk has torn."""
        if not retry and time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + RETRY_SECONDS
        assert self.run is not None
        try:
            if not self.run.events.exists():
                self._is_lost = self._is_gone = True
                return False
            self._events = EventWriter(self.run.events)
        except StorageError:
            return False
        return True

    def _timing(self, step: int, measured: Measured) -> Event:
        cores = None if self._monitors is None else self._monitors[1].take()
        if self._busy is not None:
            share = self._busy.take()
            self.gpu_busy_fraction = self._busy.fraction
        else:
            share = None
        return timing_event(step, measured, cores, share)

    def _write_environment(self) -> None:
        if self._has_environment or not self.is_prepared or self._is_lost or self.run is None:
            return
        self._has_environment = True
        with suppress(StorageError):
            write_environment(self.run.environment, shlex.join([sys.executable, *sys.argv]))

    def _read_machine(self) -> None:
        now = time.monotonic()
        if not self._measure or now < self._next_memory:
            return
        self._next_memory = now + MEMORY_SECONDS
        if self._monitors is None:
            self._monitors = HostMonitor(os.getpid()), CoreMonitor(), GpuMonitor.open()
        host, _, gpus = self._monitors
        if self._busy is None and gpus is not None and self.gpu_uuid is not None:
            self._busy = gpus.busy_time(self.gpu_uuid)
        reading = host.read()
        if reading.rss_bytes is not None:
            self.host_peak_rss_bytes = max(self.host_peak_rss_bytes or 0, reading.rss_bytes)
        self._waiting.append(
            Memory(
                step=self.step,
                host_rss_bytes=reading.rss_bytes,
                host_available_bytes=reading.available_bytes,
                gpus=[_present(asdict(gpu)) for gpu in gpus.read()] if gpus else [],
                **({} if self.torch_memory is None else self.torch_memory()),
            )
        )

    def _warn(self, problem: str, then: str = "training continues") -> None:
        if not self._has_warned:
            self._has_warned = True
            with suppress(OSError, ValueError, AttributeError):
                print(f"workbench.watch: {problem}; {then}", file=sys.stderr, flush=True)


def _present(reading: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if value is not None}
