"""How far a long read or a download has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

REPORT_INTERVAL_S = 0.1
"""At most ten reports a second: each becomes an event that is written to disk and drawn."""


@dataclass(frozen=True)
class Progress:
    """One reading: `done` of `total` units; `total` is None where it is not known."""

    what: str
    done: int
    total: int | None
    unit: str


Report = Callable[[Progress], None]
"""Hears of progress."""


class Meter:
    """Counts, and reports the first count, the last, and in between one every REPORT_INTERVAL_S."""

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
            self._tell(now)

    def finish(self) -> None:
        """Reports where it ended, unless that is known already."""
        if self._reported_done != self._done:
            self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        self._reported_done = self._done
        self._reported_s = now
        self._report(Progress(self._what, self._done, self._total, self._unit))
