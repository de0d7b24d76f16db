"""Reads the runs for their table, in a thread: rows, what is worked out of them, and the curves of those in view."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from textual.message import Message

from workbench.runs.catalogue import Catalogue
from workbench.runs.epoch_values import read_epoch_values
from workbench.runs.row import RunRow
from workbench.ui.panels.runs_arrangement import RunsRead

REFRESH_SECONDS = 2.0
"""Time between two reads of the runs."""
PAUSES_A_READ = 20.0
"""At least as many times as long as a read takes: thousands of runs are looked at less often."""


class Read(Message):
    """The runs were read. A thread posts this, because it must not touch widgets."""

    def __init__(self, read: RunsRead) -> None:
        super().__init__()
        self.read = read


class NotRead(Message):
    """The runs could not be read."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


class CurvesRead(Message):
    """Curves were read."""

    def __init__(self, curves: dict[str, Sequence[float]]) -> None:
        super().__init__()
        self.curves = curves


class RunsReader:
    """Reads the runs of a folder again and again; used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._catalogue = Catalogue(folder)
        self._last = RunsRead()
        self._took = 0.0

    def read(self) -> RunsRead:
        """Reads the runs; the same object as before if nothing has changed. Raises StorageError."""
        began = time.monotonic()
        self._last = RunsRead.of(self._catalogue.rows(), self._last)
        self._took = time.monotonic() - began
        return self._last

    @property
    def seconds_to_next(self) -> float:
        """When to read again."""
        return max(REFRESH_SECONDS, PAUSES_A_READ * self._took)


def read_curves(rows: Sequence[RunRow]) -> dict[str, Sequence[float]]:
    """By the run's name, the values of its monitored metric."""
    return {row.run.name: read_epoch_values(row.run, row.monitor) for row in rows}
