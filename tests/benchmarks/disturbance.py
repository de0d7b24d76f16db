"""How much a process that watches slows a trainer: it is stopped and continued in turns while the trainer runs.

One trainer, one watcher; windows with the watcher awake and windows with it stopped (SIGSTOP) alternate, and who comes
first changes from pair to pair. So the machine's drift, the trainer's memory and its caches are the same for both, and
what is compared is neighbours, some seconds apart.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from workbench.runs.directory import RunDirectory
from workbench.runs.measurements import Timing
from workbench.runs.tail import EventTail

WINDOW_SECONDS = 3.0
SETTLE_SECONDS = 0.7
"""Left out at the begin of a window: a watcher that wakes reads at once what it has missed."""


@dataclass
class Disturbance:
    """What was found. One number a pair of windows."""

    ratios: list[float] = field(default_factory=list)
    """Step time with the watcher awake over step time with it stopped."""
    awake_ms: list[float] = field(default_factory=list)
    stopped_ms: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    """Of a core, what the watcher takes while it is awake."""


def measure(run: RunDirectory, watcher: int, pairs: int, use: Callable[[], object] = lambda: None) -> Disturbance:
    """Watches the trainer of `run` for pairs of windows.

    watcher: a process id, which leads its process group. use: called whenever it has been woken.
    """
    found, steps, process = Disturbance(), _Steps(run), psutil.Process(watcher)
    try:
        for pair in range(pairs):
            step_ms: dict[bool, float | None] = {}
            for awake in (True, False) if pair % 2 == 0 else (False, True):
                os.killpg(watcher, signal.SIGCONT if awake else signal.SIGSTOP)
                if awake:
                    use()
                time.sleep(SETTLE_SECONDS)
                start, used = time.time(), sum(process.cpu_times()[:2])
                time.sleep(WINDOW_SECONDS)
                end = time.time()
                if awake:
                    found.processor.append((sum(process.cpu_times()[:2]) - used) / (end - start))
                step_ms[awake] = steps.milliseconds(start, end)
            awake_ms, stopped_ms = step_ms[True], step_ms[False]
            if awake_ms is not None and stopped_ms is not None:
                found.awake_ms.append(awake_ms)
                found.stopped_ms.append(stopped_ms)
                found.ratios.append(awake_ms / stopped_ms)
    finally:
        os.killpg(watcher, signal.SIGCONT)
    return found


class _Steps:
    """The trainer's own timing events, as they come; each tells of the time since the one before it."""

    def __init__(self, run: RunDirectory) -> None:
        self._tail = EventTail(run.events)
        self._tail.skip_to_end()
        self._before: float | None = None

    def milliseconds(self, start: float, end: float) -> float | None:
        """A step's, by those events that lie wholly between two moments; None if there are none."""
        seconds, steps = 0.0, 0
        for _, event in self._tail.read():
            if not isinstance(event, Timing):
                continue
            if self._before is not None and self._before >= start and event.time <= end:
                seconds += event.steps / event.steps_per_second
                steps += event.steps
            self._before = event.time
        return 1000 * seconds / steps if steps else None
