"""What changes runs in the list of runs: tags, a note, a pin, another name, deleting them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from textual import work
from textual.screen import Screen

from workbench.errors import UsageError, WorkbenchError
from workbench.files import short_path
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import Labels, problem_of_note, problem_of_tag, read_labels, write_labels
from workbench.runs.manage import (
    delete_run,
    problem_of_name,
    rename_run,
    why_in_use,
    why_not_deleted,
    why_not_renamed,
)
from workbench.ui.controllers.runs import RunsResult
from workbench.ui.panels.runs_table import RunsTable
from workbench.units import count, counted

MOST_NAMED = 8
"""Runs that are named in a question."""
Returned = TypeVar("Returned")


class RunChanges(Screen[RunsResult | None]):
    """The part of the list of runs that changes runs. Files are read and written in threads."""

    @property
    def table(self) -> RunsTable:
        """The table."""
        return self.query_one(RunsTable)

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
        """Edits the tags of the run under the cursor; of marked runs, adds some and removes others."""
        if marked := self.table.marked_rows:
            await self._tag_all([row.run for row in marked])
        elif (row := self.table.current) is not None:
            before = await self._try(lambda: read_labels(row.run.labels))
            about = f"of {row.run.name}: words with blanks between them; none removes all"
            line = await self._ask("tags", about, " ".join((before or Labels()).tags), _problem_of_tags)
            if line is not None:
                await self._relabel([row.run], lambda labels: replace(labels, tags=_tags(line)))

    async def _tag_all(self, runs: Sequence[RunDirectory]) -> None:
        about = f"of {counted(len(runs), 'marked run')}: words add tags, -word removes one"
        line = await self._ask("tags", about, "", _problem_of_changed_tags)
        if line:
            added, removed = _added_removed(line)
            await self._relabel(runs, lambda labels: labels.with_tags(added, removed))

    @work(exclusive=True, group="change")
    async def action_note(self) -> None:
        """Edits the note of the run under the cursor."""
        if (row := self.table.current) is None:
            return
        before = await self._try(lambda: read_labels(row.run.labels))
        line = await self._ask("note", f"of {row.run.name}", (before or Labels()).note, problem_of_note)
        if line is not None:
            await self._relabel([row.run], lambda labels: replace(labels, note=line))

    @work(exclusive=True, group="change")
    async def action_pin(self) -> None:
        """Pins the run under the cursor as the base of comparisons, in place of another one; or unpins it."""
        if (row := self.table.current) is None:
            return
        others = [each.run for each in self.table.rows if each.pinned and each.run != row.run]
        await self._relabel(others, lambda labels: replace(labels, pinned=False))
        await self._relabel([row.run], lambda labels: replace(labels, pinned=not row.pinned))

    async def _relabel(self, runs: Sequence[RunDirectory], change: Callable[[Labels], Labels]) -> None:
        """Changes the labels of runs, and shows them."""

        def write() -> None:
            for run in runs:
                write_labels(run.labels, change(read_labels(run.labels)))

        await self._try(write)
        self._read()

    @work(exclusive=True, group="change")
    async def action_rename(self) -> None:
        """Renames the run under the cursor; never one in progress, nor a trial of a study."""
        if (row := self.table.current) is None:
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
        """Deletes the directories of the marked runs, or that of the run under the cursor, after asking once.

        Never that of a run in progress.
        """
        from workbench.ui.dialogs.question import STAY, QuestionDialog

        runs = [row.run for row in self.table.chosen_rows]
        problems = await self._try(lambda: {run.name: problem for run in runs if (problem := why_not_deleted(run))})
        if problems is None:
            return
        doomed = [run for run in runs if run.name not in problems]
        kept = [f"{'this run' if len(runs) == 1 else name} {problem}" for name, problem in problems.items()]
        if not doomed:
            if kept:
                self._hint(kept[0], "warning")
            return
        what = "this run" if len(doomed) == 1 else f"these {count(len(doomed))} runs"
        named = [short_path(run.path) for run in doomed[:MOST_NAMED]]
        more = f"\nand {count(len(doomed) - MOST_NAMED)} more" if len(doomed) > MOST_NAMED else ""
        text = "\n".join([*named]) + f"{more}\nwith curves, checkpoints and log."
        if kept:
            text += f"\n\n{counted(len(kept), 'marked run')} cannot be deleted: {kept[0]}"
        choices = (("delete", f"delete {'it' if len(doomed) == 1 else 'them'} for good"), (STAY, "keep everything"))
        if (
            await self.app.push_screen_wait(QuestionDialog(f"delete {what}?", text, choices, STAY, "delete"))
            == "delete"
        ):
            await self._delete(doomed)

    async def _delete(self, runs: Sequence[RunDirectory]) -> None:
        """Deletes runs; those that cannot be deleted are named."""
        failed = []
        for run in runs:
            try:
                await asyncio.to_thread(delete_run, run)
            except WorkbenchError as error:
                failed.append(str(error))
        if failed:
            more = f" ({count(len(failed) - 1)} more are not deleted)" if len(failed) > 1 else ""
            self._hint(f"{failed[0]}{more}", "error")
        elif len(runs) > 1:
            self._hint(f"deleted {counted(len(runs), 'run')}")
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


def _added_removed(line: str) -> tuple[list[str], list[str]]:
    """The tags that a line such as `night -old` adds, and those that it removes."""
    words = line.split()
    return [word.removeprefix("+") for word in words if word[0] != "-"], [word[1:] for word in words if word[0] == "-"]


def _problem_of_tags(line: str) -> str:
    try:
        Labels(_tags(line))
    except UsageError as error:
        return str(error)
    return ""


def _problem_of_changed_tags(line: str) -> str:
    added, removed = _added_removed(line)
    return next(filter(None, map(problem_of_tag, added + removed)), "")
