"""Shows the data of the settings being edited: what it holds, and what its samples look like."""

from __future__ import annotations

from workbench.errors import WorkbenchError
from workbench.newest import keep_newest
from workbench.processes.data import DataSummary, Request, look_at_data
from workbench.processes.measuring import MeasuringProcess
from workbench.processes.modules import Module
from workbench.processes.plan import BACKGROUND
from workbench.settings.preset import Preset
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.dialogs.measuring import Report
from workbench.ui.form.draft import Draft
from workbench.ui.live.data_key import key_of

SAMPLES = 40
"""Samples that can be stepped through."""
MOST_KEPT = 4


class DataController:
    """Reads data in a process of low priority, which downloads nothing and ends with the dialog."""

    def __init__(self, draft: Draft, host: Host) -> None:
        self._draft = draft
        self._host = host
        self._known: dict[str, DataSummary] = {}
        """The latest summaries, by what decides them."""

    async def show(self) -> None:
        """Shows the data in a dialog, which reads it unless it is known."""
        from workbench.ui.dialogs.data import DataDialog

        for path, problem in self._draft.problems.items():
            self._host.say(f"the data cannot be read: {path}: {problem}", "error")
            return
        try:
            preset = self._draft.preset.with_absolute_paths()
            if not await is_trusted(preset, self._host):
                return
        except WorkbenchError as error:
            self._host.say(f"the data cannot be read: {error}", "error")
            return

        async def read(report: Report) -> None:
            await self._read(preset, report)

        await self._host.ask(DataDialog(read, lambda: self._forget(preset)))

    async def _read(self, preset: Preset, report: Report) -> None:
        key = key_of(preset)
        if key in self._known:
            report(self._known[key])
            return
        async with MeasuringProcess.launched(Module.DATA, BACKGROUND) as process:
            async for message in look_at_data(process, Request.of(preset, SAMPLES)):
                if isinstance(message, DataSummary):
                    keep_newest(self._known, key, message, MOST_KEPT)
                report(message)

    def _forget(self, preset: Preset) -> None:
        """Reads the data again next time: a file may have changed."""
        self._known.pop(key_of(preset), None)
