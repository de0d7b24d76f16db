"""What changes a run in the list of runs: tags, a note, another name, deleting it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from textual import work
from textual.screen import Screen

from workbench.errors import UsageError, WorkbenchError
from workbench.files import short_path
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import Labels, problem_of_note, read_labels, write_labels
from workbench.runs.manage import (
    delete_run,
    problem_of_name,
    rename_run,
    why_in_use,
    why_not_deleted,
    why_not_renamed,
)
from workbench.runs.row import RunRow
from workbench.ui.controllers.runs import RunsResult

Returned = TypeVar("Returned")


class RunChanges(Screen[RunsResult | None]):
    """The part of the list of runs that changes runs. Files are read and written in threads."""

    def _current(self) -> RunRow | None:
        """The run under the cursor."""
        raise NotImplementedError

    def _hint(self, text: str = "", kind: str = "dim") -> None:
        """Shows a sentence until the next key."""
        raise NotImplementedError

    def _read(self) -> None:
        """Reads the runs again."""
        raise NotImplementedError

    def _renamed(self, run: RunDirectory, now: RunDirectory) -> None:
        """Notes that a run was renamed."""
        raise NotImplementedError

    @work(exclusive=True, group="change")
    async def action_tag(self) -> None:
        """Edits the tags of the run under the cursor."""
        if (row := self._current()) is None:
            return
        before = await self._try(lambda: read_labels(row.run.labels))
        about = f"of {row.run.name}: words with blanks between them; none removes all"
        line = await self._ask("tags", about, " ".join((before or Labels()).tags), _problem_of_tags)
        if line is not None:
            await self._try(lambda: write_labels(row.run.labels, Labels(_tags(line), read_labels(row.run.labels).note)))
            self._read()

    @work(exclusive=True, group="change")
    async def action_note(self) -> None:
        """Edits the note of the run under the cursor."""
        if (row := self._current()) is None:
            return
        before = await self._try(lambda: read_labels(row.run.labels))
        line = await self._ask("note", f"of {row.run.name}", (before or Labels()).note, problem_of_note)
        if line is not None:
            await self._try(lambda: write_labels(row.run.labels, Labels(read_labels(row.run.labels).tags, line)))
            self._read()

    @work(exclusive=True, group="change")
    async def action_rename(self) -> None:
        """Renames the run under the cursor; never one in progress, nor a trial of a study."""
        if (row := self._current()) is None:
            return
        run = row.run
        if problem := await self._try(lambda: why_in_use(run) or why_not_renamed(run)):
            self._hint(f"this run {problem}", "warning")
            return
        about = "its directory gets this name; the list shows it in place of the preset's"
        line = await self._ask("rename the run", about, run.name, problem_of_name)
        if line is not None and (now := await self._try(lambda: rename_run(run, line))) is not None:
            self._renamed(run, now)
            self._read()

    @work(exclusive=True, group="change")
    async def action_delete(self) -> None:
        """Deletes the run's directory, after asking; never that of a run in progress."""
        from workbench.ui.dialogs.question import STAY, QuestionDialog

        row = self._current()
        if row is None:
            return
        if problem := why_not_deleted(row.run):
            self._hint(f"this run {problem}", "warning")
            return
        text = f"{short_path(row.run.path)} with its curves, checkpoints and log."
        choices = (("delete", "delete it for good"), (STAY, "keep it"))
        if await self.app.push_screen_wait(QuestionDialog("delete this run?", text, choices, STAY)) == "delete":
            await self._try(lambda: delete_run(row.run))
            self._read()

    async def _ask(self, title: str, about: str, line: str, problem_of: Callable[[str], str]) -> str | None:
        from workbench.ui.dialogs.line import LineDialog

        return await self.app.push_screen_wait(LineDialog(title, about, line, problem_of))

    async def _try(self, change: Callable[[], Returned]) -> Returned | None:
        """Calls a function in a thread; its error becomes a sentence."""
        try:
            return await asyncio.to_thread(change)
        except WorkbenchError as error:
            self._hint(str(error), "error")
            return None


def _tags(line: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.split()))


def _problem_of_tags(line: str) -> str:
    try:
        Labels(_tags(line))
    except UsageError as error:
        return str(error)
    return ""
