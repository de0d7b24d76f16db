"""Readings of the processes of this machine: who uses its cores and its memory.

It looks at every process, so it is read only while somebody looks at it: about 50 microseconds a process.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePath

import psutil

MOST_BUSY = 20
"""The busiest processes that a reading lists."""
MOST_COMMAND = 200
"""Characters of a command that are kept: some command lines have thousands."""


@dataclass(frozen=True)
class ProcessReading:
    """One process at one moment. What is not known, such as of another user's process, is None or empty."""

    process_id: int
    ancestors: tuple[int, ...]
    """Ids of its parent, its parent's parent, and so on."""
    user: str
    command: str
    """The command line, the program without its folder; a thread of the kernel in brackets."""
    cpu_percent: float | None
    """Processor time since the previous reading: 100 is one core. None at a process's first reading."""
    rss_bytes: int | None
    """Resident memory."""


class ProcessMonitor:
    """Reads the processes of this machine repeatedly."""

    def __init__(self) -> None:
        self._read_at = 0.0
        self._seconds: dict[psutil.Process, float] = {}
        """By process: its processor time at the previous reading. psutil compares start times, as ids are reused."""
        self._names: dict[psutil.Process, tuple[str, str]] = {}
        """By process: user and command, which are read once."""

    def read(self, also: Collection[int] = ()) -> tuple[ProcessReading, ...]:
        """The busiest processes, the busiest first, then those of `also` that exist. Raises nothing."""
        now = time.monotonic()
        found = list(psutil.process_iter(["ppid", "cpu_times", "memory_info"]))
        before, self._seconds = self._seconds, {each: _cpu_seconds(each) for each in found}
        elapsed, self._read_at = now - self._read_at, now
        percents = {
            each: 100 * (seconds - before[each]) / elapsed
            for each, seconds in self._seconds.items()
            if each in before and elapsed > 0
        }
        ordered = sorted(found, key=lambda each: (-percents.get(each, 0.0), -(_rss_bytes(each) or 0)))
        shown = ordered[:MOST_BUSY] + [each for each in ordered[MOST_BUSY:] if each.pid in also]
        self._names = {each: self._names.get(each) or _names(each) for each in shown}
        parents = {each.pid: each.info["ppid"] or 0 for each in found}
        return tuple(
            ProcessReading(
                each.pid, tuple(_above(each.pid, parents)), *self._names[each], percents.get(each), _rss_bytes(each)
            )
            for each in shown
        )


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.info["cpu_times"]
    return 0.0 if times is None else float(times.user + times.system)


def _rss_bytes(process: psutil.Process) -> int | None:
    memory = process.info["memory_info"]
    return None if memory is None else int(memory.rss)


def _names(process: psutil.Process) -> tuple[str, str]:
    """The user and the command; empty where they may not be read."""
    try:
        user = process.username()
    except psutil.Error:
        user = ""
    try:
        words = process.cmdline()
        command = " ".join([PurePath(words[0]).name, *words[1:]]) if words else f"[{process.name()}]"
    except psutil.Error:
        command = ""
    return user, " ".join(command.split())[:MOST_COMMAND]


def _above(process_id: int, parents: dict[int, int]) -> Iterator[int]:
    """The ids of a process's parent, its parent's parent, and so on.

    They end where they form a cycle: ids may be reused while the processes are read.
    """
    seen = {process_id, 0}
    while (process_id := parents.get(process_id, 0)) not in seen:
        seen.add(process_id)
        yield process_id
