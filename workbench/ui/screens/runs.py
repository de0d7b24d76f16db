"""All runs in a table: sort, filter, compare, overlay, open, take settings, resume; also see `runs_changes`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from workbench.runs.row import RunRow
from workbench.runs.status import RESUMABLE
from workbench.ui.controllers.runs import RunsResult
from workbench.ui.keys.action import Action, bindings
from workbench.ui.keys.runs_actions import ACTIONS
from workbench.ui.live.remembered import Remembered
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.panels.lines import HintLine, KeysLine, keys_of_focus
from workbench.ui.panels.runs_arrangement import Group, RunsView
from workbench.ui.panels.runs_columns import ALWAYS
from workbench.ui.panels.runs_shown import name_of
from workbench.ui.panels.runs_table import RunsTable
from workbench.ui.screens.runs_filtering import FilterField
from workbench.ui.screens.runs_reading import RunReading

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.runs.directory import RunDirectory
    from workbench.settings.preset import Preset


class RunsScreen(RunReading):
    """Dismisses with what the main screen shall do, or None."""

    ACTIONS: ClassVar[Sequence[Action]] = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ACTIONS)]
    AUTO_FOCUS = "RunsTable"
    DEFAULT_CSS = """
    RunsScreen RunsTable { height: 1fr; width: 1fr; }
    """

    def __init__(
        self,
        runs_folder: Path,
        marks: RunMarks,
        marked: Sequence[str] = (),
        on_renamed: Callable[[RunDirectory, RunDirectory], object] = lambda run, now: None,
        export: Callable[[Sequence[RunRow], Callable[[str, str], bool]], Awaitable[None]] | None = None,
        judge: Callable[[RunDirectory, Callable[[str, str], bool]], Awaitable[None]] | None = None,
        remembered: Remembered | None = None,
        view: RunsView | None = None,
        next_run: Preset | None = None,
    ) -> None:
        """marks: give each marked run its letter; marked: names of the runs that are marked at first.

        on_renamed: is called with a run before and after.

        export: shows what runs can be exported to, and says later how it ended. judge: shows how good a run's model is.

        remembered: has the chosen columns and the saved filters. view: how the table was left.

        next_run: the settings being edited, with which one run is compared.
        """
        super().__init__(runs_folder, remembered or Remembered())
        self._export = export
        self._judge = judge
        self._next_run = next_run
        self._on_renamed = on_renamed
        self._marks = marks
        self.view = view or RunsView()
        self._marked_before = marked
        self._said: tuple[str, str] = ("", "")
        """The answer to the last key, and its style."""

    def compose(self) -> ComposeResult:
        yield RunsTable(
            self._folder, self._marks, self._marked_before, self._remembered.run_columns, self.view, id="runs"
        )
        yield from self._filter_widgets()
        yield HintLine(id="hint")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        if self.view.filter_text:
            self._open_filter(self.view.filter_text)
        self._show_keys()
        self._start_reading()

    def _hint(self, text: str = "", kind: str = "dim") -> None:
        """Shows a sentence until the next key; without one, describes the run under the cursor."""
        hint, row = self.query_one("#hint", HintLine), self.table.current
        if text:
            self._said = text, kind
        text, kind = self._said if self._said[0] else (self._problem, "error")
        if text:
            hint.show(Text(text, hint.style_of(kind)), whole=True)
        else:
            hint.show(Text() if row is None else self.table.described(row))

    def say(self, text: str, kind: str = "text") -> None:
        """Shows a sentence until the next key."""
        self._hint(text, kind)

    def _renamed(self, run: RunDirectory, now: RunDirectory) -> None:
        self.table.marked.rename(run.name, now.name)
        self._marked_before = [now.name if name == run.name else name for name in self._marked_before]
        self._on_renamed(run, now)

    def on_key(self) -> None:
        """Forgets the sentence: whoever presses a key has read it."""
        self._said = "", ""

    @on(RunsTable.Moved)
    def _moved(self) -> None:
        self._hint()
        self._show_keys()

    def _show_keys(self) -> None:
        """Shows the keys that apply to the run under the cursor and to the marked ones."""
        row, marked = self.table.current, len(self.table.marked_rows)
        works = {
            "open": row is not None,
            "mark": self.table.item is not None,
            "take": row is not None,
            "overlay": bool(marked or self._marked_before),
            "compare": marked > 0,
            "export": row is not None or marked > 0,
            "judge": row is not None,
            "resume": row is not None and row.status in RESUMABLE,
            "tag": row is not None or marked > 0,
            "note": row is not None,
            "rename": row is not None and row.status != "running" and row.study is None,
            "delete": marked > 0 or (row is not None and row.status != "running"),
            "pin": row is not None,
            "sort": len(self.table.rows) > 1,
            "group": len(self.table.rows) > 1,
            "fold": bool(self.table.arranged.view.grouped_by),
            "columns": bool(self.table.rows),
            "filter": bool(self.table.rows),
        }
        kept = [item for item in ACTIONS if item.rank and works.get(item.name, True)]
        self.query_one(KeysLine).show([(item.shown_key, item.label, item.rank) for item in kept], keys_of_focus(self))

    @on(RunsTable.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def _wanted(self) -> RunRow | None:
        """The run under the cursor; None, and a sentence, if it is broken."""
        row = self.table.current
        if row is not None and row.broken:
            self._hint(row.reason, "error")
            return None
        return row

    # What can be done.

    def action_open(self) -> None:
        """Watches the run under the cursor, or shows how it ended; folds or unfolds a group."""
        if isinstance(self.table.item, Group):
            self.table.fold()
        elif (row := self._wanted()) is not None:
            self._leave_with("open", row)

    def _leave_with(self, action: Literal["open", "take", "resume", "overlay"], row: RunRow | None) -> None:
        overlays = tuple(marked.run for marked in self.table.marked_rows)
        if self.is_active:  # two clicks may come before it is gone
            self.dismiss(RunsResult(action, None if row is None else row.run, overlays))

    def action_mark(self) -> None:
        """Marks the run under the cursor, or the group; removes the marks of what is marked."""
        if isinstance(self.table.item, Group) or self._wanted() is not None:
            self.table.mark()
        self._show_keys()

    def action_mark_all(self) -> None:
        """Marks all runs that are shown; if all are marked, removes all marks."""
        self.table.mark_all()
        self._show_keys()

    def action_overlay(self) -> None:
        """Overlays the marked runs on the charts; none marked: removes the overlays."""
        self._leave_with("overlay", None)

    def action_compare(self) -> None:
        """Shows the settings and results in which the marked runs differ; of one run, how the next one differs."""
        from workbench.ui.dialogs.compare import CompareDialog

        rows = self.table.marked_rows
        if len(rows) > 1:
            self.app.push_screen(CompareDialog(rows, marks=[self._marks.of(row.run.name) for row in rows]))
        elif row := rows[0] if rows else self._wanted():
            self.app.push_screen(CompareDialog([row], [name_of(row)], next_run=self._next_run))
        elif isinstance(self.table.item, Group):
            self._hint("mark two runs or more with space", "warning")

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Exports the marked runs; none marked: the run under the cursor."""
        marked = self.table.marked_rows
        if not marked and (row := self._wanted()) is not None:
            marked = [row]
        if marked and self._export is not None:
            await self._export(marked, self._say_later)

    @work(exclusive=True, group="judge")
    async def action_judge(self) -> None:
        """Judges the model of the run under the cursor."""
        row = self._wanted()
        if row is not None and self._judge is not None:
            await self._judge(row.run, self._say_later)

    def _say_later(self, text: str, kind: str) -> bool:
        """Shows a sentence, unless this screen was left; whether it was shown."""
        if is_here := self in self.app.screen_stack:
            self._hint(text, kind)
        return is_here

    def action_take(self) -> None:
        """Takes the settings of the run under the cursor for the next run."""
        row = self._wanted()
        if row is not None:
            self._leave_with("take", row)

    def action_resume(self) -> None:
        """Resumes the run under the cursor."""
        row = self._wanted()
        if row is not None and row.status in RESUMABLE:
            self._leave_with("resume", row)
        elif row is not None:
            self._hint(f"this run is {row.status}: there is nothing to resume", "warning")

    def action_sort(self) -> None:
        """Sorts by the next column."""
        self.table.sort_by_next()

    def action_reverse(self) -> None:
        """Sorts the other way round."""
        self.table.reverse()

    @work(exclusive=True, group="group")
    async def action_group(self) -> None:
        """Groups the runs by what the user chooses."""
        from workbench.ui.dialogs.choose import ChooseOneDialog

        arranged = self.table.arranged
        choices = [(key, name, "") for key, name in arranged.can_be_grouped_by]
        by = await self.app.push_screen_wait(ChooseOneDialog("group the runs by", choices, [arranged.view.grouped_by]))
        if by is not None:
            self.table.group(by)
            self._show_keys()

    def action_fold(self) -> None:
        """Folds the group under the cursor, or unfolds it."""
        self.table.fold()

    def action_fold_all(self) -> None:
        """Folds all groups; unfolds them if all are folded."""
        self.table.fold_all()

    @work(exclusive=True, group="columns")
    async def action_columns(self) -> None:
        """Chooses the columns."""
        from workbench.ui.dialogs.choose import ChooseSeveralDialog

        table = self.table
        choices = [(column.key, column.full_name, "") for column in table.arranged.columns if column.key not in ALWAYS]
        shown = [key for key in table.shown_columns if key not in ALWAYS]
        keys = await self.app.push_screen_wait(ChooseSeveralDialog("columns", choices, shown))
        if keys is not None:
            table.choose_columns(keys)
            self._remembered.remember_run_columns(keys)

    def action_leave(self) -> None:
        """Removes the filter; without one, returns to the main screen."""
        if not self.query_one("#filtering").has_class("-open"):
            self.dismiss(None)
            return
        self.query_one(FilterField).value = ""
        self.query_one("#filtering").remove_class("-open")
        self.table.focus()

    def action_keys(self) -> None:
        """Shows the keys of this screen."""
        from workbench.ui.dialogs.help import HelpDialog
        from workbench.ui.keys.help import help_sections

        self.app.push_screen(HelpDialog(help_sections(ACTIONS)))
