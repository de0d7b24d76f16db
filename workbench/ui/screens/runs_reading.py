"""Reads the runs of the list in threads: rows and what is worked out of them; and the curves of those in view."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from textual import on
from textual.message import Message

from workbench.errors import WorkbenchError
from workbench.runs.catalogue import Catalogue
from workbench.runs.epoch_values import read_epoch_values
from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.runs_arrangement import RunsRead
from workbench.ui.panels.runs_table import RunsTable
from workbench.ui.screens.runs_filtering import RunFiltering

REFRESH_SECONDS = 2.0
"""Time between two reads of the runs."""
PAUSES_A_READ = 20.0
"""The least pause after a read, as a multiple of the time that it took: thousands of runs are read less often."""


class RunReading(RunFiltering):
    """The part of the list of runs that reads it, again and again."""

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
        """Curves were read, by the names of their runs."""

        def __init__(self, curves: Mapping[str, Sequence[float]]) -> None:
            super().__init__()
            self.curves = curves

    def __init__(self, folder: Path, remembered: Remembered) -> None:
        super().__init__(remembered)
        self._folder = folder
        self._catalogue = Catalogue(folder)
        """Used, as the next, by the reading thread only."""
        self._last = RunsRead()
        self._is_reading = False
        self._is_outdated = False
        """Whether something was changed while the thread was reading."""
        self._due = 0.0
        """When they are to be read again, by the monotonic clock."""
        self._problem = ""
        """Why the runs cannot be read."""

    def _start_reading(self) -> None:
        self._read()
        self.set_interval(REFRESH_SECONDS, self._read_if_due)

    def _read_if_due(self) -> None:
        if time.monotonic() >= self._due:
            self._read()

    def _read(self) -> None:
        """Reads the runs again; once more if a thread is still reading them."""
        self._is_outdated = self._is_reading
        if not self._is_reading:
            self._is_reading = True
            self.run_worker(self._read_in_thread, thread=True, group="catalogue", exit_on_error=False)

    def _read_in_thread(self) -> None:
        began = time.monotonic()
        message: Message
        try:
            self._last = RunsRead.of(self._catalogue.rows(), self._last)
            message = self.Read(self._last)
        except WorkbenchError as error:
            message = self.NotRead(str(error))
        except Exception as error:  # the files may contain anything: a list that never comes would not say so
            message = self.NotRead(f"the runs cannot be shown: {type(error).__name__}: {error}")
        finally:
            self._is_reading = False
        now = time.monotonic()
        self._due = now + PAUSES_A_READ * (now - began)
        self.post_message(message)

    @on(Read)
    def _show(self, message: Read) -> None:
        if message.read is not self.table.arranged.read or self._problem or not message.read.rows:
            self._problem = ""
            self.table.show(message.read)
            self._show_keys()
        if self._is_outdated:
            self._read()

    @on(NotRead)
    def _show_problem(self, message: NotRead) -> None:
        self._problem = message.problem
        self.table.fail(message.problem)
        self._hint()

    @on(RunsTable.InView)
    def _read_curves(self, message: RunsTable.InView) -> None:
        def read() -> None:
            curves = {row.run.name: read_epoch_values(row.run, row.monitor) for row in message.rows}
            self.post_message(self.CurvesRead(curves))

        self.run_worker(read, thread=True, group="curves", exit_on_error=False)

    @on(CurvesRead)
    def _show_curves(self, message: CurvesRead) -> None:
        self.table.show_curves(message.curves)
