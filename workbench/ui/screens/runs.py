"""All runs in a table: sort, filter, compare, overlay, open, take settings, resume; also see `runs_changes`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from workbench.errors import WorkbenchError
from workbench.runs.catalogue import Catalogue
from workbench.runs.row import RunRow
from workbench.runs.status import RESUMABLE
from workbench.ui.controllers.runs import RunsResult
from workbench.ui.form.differences import differs
from workbench.ui.keys.action import Action, bindings
from workbench.ui.keys.runs_actions import ACTIONS
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.panels.lines import HintLine, KeysLine, keys_of_focus
from workbench.ui.panels.runs_table import RunsTable
from workbench.ui.screens.runs_changes import RunChanges

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.runs.directory import RunDirectory

REFRESH_SECONDS = 2.0


class RunsScreen(RunChanges):
    """Dismisses with what the main screen shall do, or None."""

    ACTIONS: ClassVar[Sequence[Action]] = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ACTIONS)]
    AUTO_FOCUS = "RunsTable"
    DEFAULT_CSS = """
    RunsScreen RunsTable { height: 1fr; width: 1fr; }
    RunsScreen Input { border: none; height: 1; padding: 0 1; background: $panel; display: none; }
    RunsScreen Input:focus { border: none; background: $cursor-line; }
    RunsScreen Input.-open { display: block; }
    """

    class Read(Message):
        """The runs were read. A thread reads them, and posts this because it must not touch widgets."""

        def __init__(self, rows: list[RunRow], differences: dict[str, str]) -> None:
            super().__init__()
            self.rows = rows
            self.differences = differences

    class NotRead(Message):
        """The runs could not be read."""

        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    def __init__(
        self,
        runs_folder: Path,
        marks: RunMarks,
        marked: Sequence[str] = (),
        on_renamed: Callable[[RunDirectory, RunDirectory], object] = lambda run, now: None,
        export: Callable[[Sequence[RunRow], Callable[[str, str], bool]], Awaitable[None]] | None = None,
        judge: Callable[[RunDirectory, Callable[[str, str], bool]], Awaitable[None]] | None = None,
    ) -> None:
        """marks: give each marked run its letter; marked: names of the runs that are marked at first.

        on_renamed: is called with a run before and after.

        export: shows what runs can be exported to, and says later how it ended. judge: shows how good a run's model is.
        """
        super().__init__()
        self._export = export
        self._judge = judge
        self._on_renamed = on_renamed
        self._folder = runs_folder
        self._marks = marks
        self._catalogue = Catalogue(runs_folder)
        self._differences: dict[str, tuple[dict[str, Any], str]] = {}
        """By a run's name, its settings and how they differ from its preset; used by the reading thread only."""
        self._marked_before = marked
        self._is_reading = False
        self._problem = ""
        self._said: tuple[str, str] = ("", "")
        """The answer to the last key, and its style."""

    def compose(self) -> ComposeResult:
        yield RunsTable(self._folder, self._marks, self._marked_before, id="runs")
        yield Input(placeholder="words that a run must have", id="filter")
        yield HintLine(id="hint")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self._show_keys()
        self._read()
        self.set_interval(REFRESH_SECONDS, self._read)

    @property
    def table(self) -> RunsTable:
        """The table."""
        return self.query_one(RunsTable)

    # Reading.

    def _read(self) -> None:
        """Reads the runs again, unless a thread is still reading them."""
        if not self._is_reading:
            self._is_reading = True
            self.run_worker(self._read_in_thread, thread=True, group="catalogue", exit_on_error=False)

    def _read_in_thread(self) -> None:
        try:
            rows = self._catalogue.rows()
            for row in rows:
                known = self._differences.get(row.run.name)
                if known is None or known[0] != row.settings:  # its learning rate was changed by hand
                    self._differences[row.run.name] = row.settings, "" if row.broken else differs(row)
            self.post_message(self.Read(rows, {name: text for name, (_, text) in self._differences.items()}))
        except WorkbenchError as error:
            self.post_message(self.NotRead(str(error)))
        finally:
            self._is_reading = False

    @on(Read)
    def _show(self, message: Read) -> None:
        if message.rows != self.table.rows or self._problem or not message.rows:
            self._problem = ""
            self.table.show(message.rows, message.differences)
            self._show_keys()

    @on(NotRead)
    def _show_problem(self, message: NotRead) -> None:
        self._problem = message.problem
        self.table.fail(message.problem)
        self._hint()

    def _hint(self, text: str = "", kind: str = "dim") -> None:
        """Shows a sentence until the next key; without one, describes the run under the cursor."""
        hint, row = self.query_one(HintLine), self.table.current
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

    def _current(self) -> RunRow | None:
        return self.table.current

    def _renamed(self, run: RunDirectory, now: RunDirectory) -> None:
        self.table.rename(run.name, now.name)
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
            "mark": row is not None,
            "take": row is not None,
            "overlay": bool(marked or self._marked_before),
            "compare": marked >= 2,
            "export": row is not None,
            "judge": row is not None,
            "resume": row is not None and row.status in RESUMABLE,
            "tag": row is not None,
            "note": row is not None,
            "rename": row is not None and row.status != "running" and row.study is None,
            "delete": row is not None and row.status != "running",
            "sort": len(self.table.rows) > 1,
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
        """Watches the run under the cursor, or shows how it ended."""
        row = self._wanted()
        if row is not None:
            self._leave_with("open", row)

    def _leave_with(self, action: Literal["open", "take", "resume", "overlay"], row: RunRow | None) -> None:
        overlays = tuple(marked.run for marked in self.table.marked_rows)
        self.dismiss(RunsResult(action, None if row is None else row.run, overlays))

    def action_mark(self) -> None:
        """Marks the run under the cursor, or removes its mark."""
        if self._wanted() is not None:
            self.table.mark()
        self._show_keys()

    def action_overlay(self) -> None:
        """Overlays the marked runs on the charts; none marked: removes the overlays."""
        self._leave_with("overlay", None)

    def action_compare(self) -> None:
        """Shows the settings and results in which the marked runs differ."""
        from workbench.ui.dialogs.compare import CompareDialog

        rows = self.table.marked_rows
        if len(rows) < 2:
            self._hint("mark two runs or more with space", "warning")
            return
        self.app.push_screen(CompareDialog(rows, marks=[self._marks.of(row.run.name) for row in rows]))

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

    def action_filter(self) -> None:
        """Opens the filter."""
        field = self.query_one(Input)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed)
    def _filtered(self, message: Input.Changed) -> None:
        self.table.filter(message.value)

    @on(Input.Submitted)
    def _filter_done(self) -> None:
        self.table.focus()

    def action_leave(self) -> None:
        """Closes the filter; without one, returns to the main screen."""
        field = self.query_one(Input)
        if not field.has_class("-open"):
            self.dismiss(None)
            return
        field.value = ""
        field.remove_class("-open")
        self.table.focus()

    def action_keys(self) -> None:
        """Shows the keys of this screen."""
        from workbench.ui.dialogs.help import HelpDialog
        from workbench.ui.keys.help import help_sections

        self.app.push_screen(HelpDialog(help_sections(ACTIONS)))
