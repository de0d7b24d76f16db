"""Reads in threads what the main screen shows beside a run: the machine, the preset's last run, the last preview."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from workbench.runs.lock import local_process_id
from workbench.ui.form.draft import Draft
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import Readings, ReadingSource
from workbench.ui.live.session import Session
from workbench.ui.panels.machine import MachinePanel
from workbench.ui.screens.main_panels import MainPanels

if TYPE_CHECKING:
    from workbench.ui.live.last_run import LastRun


class MainReads:
    """Starts the threads, and gives the panels what they have read."""

    def __init__(
        self,
        screen: Screen[None],
        *,
        draft: Draft,
        session: Session,
        readings: ReadingSource,
        panels: MainPanels,
        show_run: Callable[[], None],
    ) -> None:
        """show_run: shows the charts again, once the preset's last run is known."""
        self._screen = screen
        self._draft = draft
        self._session = session
        self._readings = readings
        self._panels = panels
        self._show_run = show_run
        self._sought = ""
        """The preset whose last run is being read, or was read last."""

    # The preview.

    def recall_preview(self) -> None:
        """Shows what was previewed at the end of the last time."""
        self._screen.run_worker(self._recall_preview, thread=True, exit_on_error=False)

    def _recall_preview(self) -> None:
        from workbench.ui.live.seen import Seen

        if (seen := Seen.load()) is not None:
            self._screen.app.call_from_thread(self._session.preview.recall, seen)

    # The last run of the preset.

    def read_last_run(self) -> None:
        """Reads the last run of the preset, for as long as no run is shown."""
        name, known = self._draft.preset.name, self._panels.last_run
        if self._session.watch is None and (known is None or known.preset_name != name) and name != self._sought:
            self._sought = name
            self._screen.run_worker(
                self._find_last_run, thread=True, exclusive=True, group="last-run", exit_on_error=False
            )

    def _find_last_run(self) -> None:
        from workbench.ui.live.last_run import read_last_run

        last = read_last_run(self._session.runs_folder, self._sought)
        self._screen.app.call_from_thread(self._take_last_run, last)

    def _take_last_run(self, last: LastRun) -> None:
        self._panels.last_run = last
        if self._screen.is_attached:
            self._show_run()

    # The machine.

    def read_machine(self) -> None:
        """Reads the machine; its processes only while their page is in sight."""
        watch, is_seen = self._session.watch, self._screen.query_one(MachinePanel).is_seen
        run = watch.run if watch is not None and watch.is_alive else None

        def read() -> None:
            owners = Owners(os.getpid(), None if run is None else local_process_id(run)) if is_seen else None
            self._screen.app.call_from_thread(self._take_readings, self._readings.read(owners))

        self._screen.run_worker(read, thread=True, exclusive=True, group="readings", exit_on_error=False)

    def _take_readings(self, readings: Readings) -> None:
        self._panels.take_machine(readings)
        if self._screen.is_attached:
            self._panels.show_machine()
