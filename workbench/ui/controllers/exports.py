"""Exports runs: a dialog chooses what and where to, a process of its own does it, and continues without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.export_kinds import ExportKind
from workbench.files import short_path
from workbench.processes.export_command import ExportRequest, run_export
from workbench.runs.directory import RunDirectory
from workbench.runs.row import RunRow
from workbench.settings.preset import Preset
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.live.exporting import Export

PATIENCE_SECONDS = 0.6
"""An open dialog has shown by then how its export ended."""
Say = Callable[[str, str], bool]
"""Shows a sentence, and its kind; False where it is not there to show it."""


class ExportsController:
    """Keeps the exports in progress, and says how they end to whoever has left the dialog."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()

    async def show(self, rows: Sequence[RunRow], say: Say | None = None, title: str = "") -> None:
        """Asks what to export the runs to. say: shows how an export ends whose dialog was left; else the host does.

        title: of the dialog, instead of its usual one.
        """
        from workbench.ui.dialogs.export import ExportDialog

        async def start(kind: ExportKind, path: Path, overwrite: bool) -> Export | None:
            return await self._start(rows, kind, path, overwrite, say)

        await self._host.ask(ExportDialog(rows, start, title))

    async def _start(
        self, rows: Sequence[RunRow], kind: ExportKind, path: Path, overwrite: bool, say: Say | None
    ) -> Export | None:
        """Starts an export; None where the user does not trust the run's own code. Raises WorkbenchError."""
        runs = tuple(row.run.path for row in rows)
        if kind.needs_model and not await is_trusted(Preset.of_run(rows[0].run.preset), self._host):
            return None
        export = Export(ExportRequest(runs, kind.name, path.absolute(), overwrite))
        task = asyncio.create_task(self._run(export, say))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return export

    async def _run(self, export: Export, say: Say | None) -> None:
        try:
            export.written = await run_export(export.request, export.report)
        except WorkbenchError as error:
            export.problem = str(error)
        await asyncio.sleep(PATIENCE_SECONDS)
        if export.was_shown:
            return
        text, kind = said_of(export)
        if say is None or not say(text, kind):
            self._host.say(text, kind)


def said_of(export: Export) -> tuple[str, str]:
    """How an export has ended, in a sentence, and the sentence's kind."""
    if export.written is not None:
        return f"exported to {export.request.to}: {short_path(export.written.path)}", "text"
    name = RunDirectory(export.request.runs[0]).name
    return f"{name} was not exported to {export.request.to}: {export.problem}", "error"
