"""Measures how long this process waits for cores, and how many of them other programs use. Linux only.

A thread that could run but finds no core waits, and the kernel counts that time for each thread. It is the cost of
other programs, whatever they are, and stays near zero while cores are free.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_BUSY = (0, 1, 2, 5, 6)
"""Columns of a line of /proc/stat: user, nice, system, irq, softirq. Not: idle, iowait, steal."""


@dataclass(frozen=True)
class CoreReading:
    """The use of the cores between two readings."""

    wait_fraction: float
    """Fraction of the time that the threads of this process could run in which they waited for a core, 0 to 1."""
    other_cores: float
    """Mean number of cores, of those that this process may use, that other programs used."""


@dataclass(frozen=True)
class _Counters:
    seconds: float
    threads: dict[str, tuple[int, int]]
    """By thread: nanoseconds that it ran and that it waited for a core."""
    machine: float
    """Seconds that the cores were busy."""
    children: dict[int, float]
    """By child process: seconds of processor time."""


class CoreMonitor:
    """Reads how this process and others used the cores since the previous reading."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._before = self._read()

    def take(self) -> CoreReading | None:
        """The reading since the last call, in about 0.2 ms; None where the system has none, and where nothing ran."""
        before, now = self._before, self._read()
        self._before = now
        if before is None or now is None or now.seconds <= before.seconds:
            return None
        ran = waited = 0
        for thread, (run_now, wait_now) in now.threads.items():
            run_before, wait_before = before.threads.get(thread, (0, 0))
            ran += max(run_now - run_before, 0)
            waited += max(wait_now - wait_before, 0)
        if ran + waited == 0:
            return None
        children = sum(used - before.children.get(child, used) for child, used in now.children.items())
        others = now.machine - before.machine - ran / 1e9 - children
        return CoreReading(
            wait_fraction=round(waited / (ran + waited), 4),
            other_cores=round(max(others, 0.0) / (now.seconds - before.seconds), 3),
        )

    def _read(self) -> _Counters | None:
        try:
            threads = self._threads()
            machine = self._machine()
        except (OSError, ValueError, IndexError, AttributeError):
            return None
        return _Counters(time.perf_counter(), threads, machine, self._children()) if threads else None

    def _threads(self) -> dict[str, tuple[int, int]]:
        found = {}
        for thread in os.listdir(self._proc / "self" / "task"):  # noqa: PTH208  names only, no Path each
            with suppress(FileNotFoundError, ProcessLookupError):  # it may have ended meanwhile
                ran, waited, _ = (self._proc / "self" / "task" / thread / "schedstat").read_text().split()
                found[thread] = int(ran), int(waited)
        return found

    def _machine(self) -> float:
        allowed = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        ticks = 0
        for line in (self._proc / "stat").read_text().splitlines():
            if not line.startswith("cpu"):
                break  # the processors come first
            name, *values = line.split()
            if name in allowed:
                ticks += sum(int(values[place]) for place in _BUSY)
        return ticks / os.sysconf("SC_CLK_TCK")

    def _children(self) -> dict[int, float]:
        """Processor time of DataLoader workers, which work for this process."""
        found = {}
        for child in multiprocessing.active_children():
            with suppress(OSError, ValueError, IndexError):
                after_name = (self._proc / str(child.pid) / "stat").read_text().rpartition(")")[2].split()
                found[int(child.pid or 0)] = (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
        return found
