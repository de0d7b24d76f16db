"""The progress of a long read or a download."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

REPORT_INTERVAL_S = 0.1
"""At most ten reports per second: each becomes an event that is written to disk and drawn."""


@dataclass(frozen=True)
class Progress:
    """One report: `done` of `total` units; `total` is None if it is unknown."""

    what: str
    done: int
    total: int | None
    unit: str


Report = Callable[[Progress], None]
"""Receives progress reports."""


class Meter:
    """Counts units, and reports the first count, the last, and one every REPORT_INTERVAL_S in between."""

    def __init__(self, report: Report, what: str, total: int | None, unit: str) -> None:
        self._report = report
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0
        self._reported_done: int | None = None
        self._reported_s = 0.0

    def add(self, count: int) -> None:
        """Counts `count` more units."""
        self._done += count
        now = time.monotonic()
        if self._reported_done is None or now - self._reported_s >= REPORT_INTERVAL_S:
            self._report_progress(now)

    def finish(self) -> None:
        """Reports the final count, unless it was reported already."""
        if self._reported_done != self._done:
            self._report_progress(time.monotonic())

    def _report_progress(self, now: float) -> None:
        self._reported_done = self._done
        self._reported_s = now
        self._report(Progress(self._what, self._done, self._total, self._unit))
