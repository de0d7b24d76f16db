"""The list of settings, a row each, grouped by family: drawing, cursor, folding and searching.

The list is drawn, not built of widgets. `settings_lines` draws a row; `settings` edits it.
"""

from __future__ import annotations

import re

from rich.text import Text
from textual import events
from textual.message import Message

from workbench.settings.data import DATA
from workbench.settings.preset import Preset
from workbench.settings.toml_text import toml
from workbench.ui.form.draft import Draft
from workbench.ui.form.fields import PRESET, table_of
from workbench.ui.form.rows import Row
from workbench.ui.form.search import found
from workbench.ui.keys.copying import Copied
from workbench.ui.live.planner import Expectation
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.settings_hint import describe
from workbench.ui.panels.settings_lines import Columns, RowPainter
from workbench.units import rate, size

BORDER = 2
"""Cells between the panel's edge and what is inside."""


class SettingsList(Panel):
    """Rows of the draft, grouped by family; families fold."""

    class Hint(Message):
        """The sentence about the row at the cursor, or about the fault of what is being typed."""

        def __init__(self, text: Text) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft: Draft | None = None
        self._in_use: dict[str, str] = {}
        self._watched: Preset | None = None
        self._is_beside_run = False
        """Whether the other panels show a run."""
        self._is_of_run = False
        """Whether the watched run was started with the draft's settings."""
        self._all_rows: list[Row] = []
        self._rows: list[Row] = []
        self._folded: set[str] = {PRESET}
        self._words: list[str] = []
        """The words of the search; empty: all rows are shown."""
        self._cursor = 0
        self._offset = 0
        self._typing_problem = ""
        self._expectation: Expectation | None = None
        self._fault: tuple[Preset | None, str, str] = (None, "", "")
        """For valid settings that cannot be trained with the data: the path of the wrong one, and the problem."""

    # A subclass that edits rows overrides these.

    @property
    def is_editing(self) -> bool:
        """Whether a row is being edited, or the search is open."""
        return False

    @property
    def _is_searching(self) -> bool:
        """Whether the search is open."""
        return False

    @property
    def _typed_into(self) -> str:
        """The path of the setting whose value is being typed; empty if there is none."""
        return ""

    def show(
        self,
        draft: Draft,
        running: Preset | None = None,
        watched: Preset | None = None,
        *,
        is_beside_run: bool | None = None,
    ) -> None:
        """Shows a draft, and beside it the settings of a run in progress where they differ.

        watched: the settings with which the run on the screen was started, whether it is running or has ended.
        is_beside_run: whether there is one: workbench has not trained each; by default where watched is given.
        """
        self._is_beside_run = watched is not None if is_beside_run is None else is_beside_run
        self._draft = draft
        self._watched = watched
        self._in_use = {}
        if running is not None:
            self._in_use = {row.path: row.value for row in Draft(running).rows()}
        self._read_rows()

    def expect(self, expectation: Expectation | None) -> None:
        """Shows the parameters and memory that the settings would take, or their fault; None while unknown."""
        self._expectation = expectation
        if expectation is not None:
            self._note_fault(expectation.reason if expectation.is_wrong else "")
        self.redraw()

    def go_to_fault(self, wrong: str) -> None:
        """Shows a fault at its setting, and moves the cursor there unless something is being edited."""
        if not self.is_editing:
            self.focus_row(self._row_of(wrong))
        self._note_fault(wrong)
        self.redraw()

    def _note_fault(self, wrong: str) -> None:
        if self._draft is not None:
            self._fault = (self._draft.preset, self._row_of(wrong), wrong)
            self.post_hint()

    def _row_of(self, wrong: str) -> str:
        """The path that a message names; else that of the data."""
        paths = (row.path for row in self._all_rows if not row.is_head)
        named = [path for path in paths if re.search(rf"(?<![\w.]){re.escape(path)}(?![\w])", wrong)]
        return min(named, key=wrong.index, default=DATA.name) if wrong else ""

    # What is drawn.

    def heading(self) -> Text:
        """Says whose settings these are, once the other panels show a run."""
        name = ("settings", self.style_of("strong"))
        if not self._is_beside_run or self._draft is None:
            return Text.assemble(name)
        separator = " - " if self.glyphs.ascii else " · "
        if self._is_of_run:
            return Text.assemble(name, (f"{separator}this run", self.style_of("dim")))
        following = (f"{separator}next run", self.style_of("text"))
        mark = (" *" if self._draft.is_changed else "", self.style_of("warning"))
        preset = (f"  {self._draft.preset.name}", self.style_of("dim"))
        return self.first_fitting([Text.assemble(name, following, preset, mark), Text.assemble(name, following, mark)])

    def footing(self) -> Text:
        first, last = [], []
        if self._words:
            first.append(f"{sum(not row.is_head for row in self._rows)} found")
        if self._draft is not None and self._draft.problems:
            first.append(f"{self.glyphs.wrong} {len(self._draft.problems)} invalid")
        if changed := sum(row.changed for row in self._all_rows):
            first.append(f"{self.glyphs.dot} {changed} changed")
        if self._offset:
            last.append(f"{self._offset} above")
        if (below := len(self._rows) - self._offset - self._visible_rows) > 0:
            last.append(f"{below} below")
        # The expectation is left out first: the memory panel and --dry-run show it too.
        shorter = ("  ".join([*first, *expected, *last]) for expected in self._expected())
        return self.first_fitting(Text(text, self.style_of("dim")) for text in shorter)

    def _expected(self) -> list[list[str]]:
        """What the model would learn and how much memory that would take; from the longest wording to the shortest."""
        expected = self._expectation
        if expected is None or expected.parameters is None:
            return [[]]
        parameters = f"{rate(expected.parameters)} parameters"
        peak = [] if expected.peak_bytes is None else [size(expected.peak_bytes)]
        learns = [f"learns {expected.learns}"]
        saying = [[*learns, parameters, *peak], [*learns, parameters], learns] if expected.learns else []
        return [*saying, [parameters, *peak], [parameters], peak, []]

    @property
    def _visible_rows(self) -> int:
        """How many rows have room; the search takes the last line."""
        return max(self.size.height - 2 - self._is_searching, 1)

    @property
    def _columns(self) -> Columns:
        return Columns.of(self.size.width - 2 * BORDER)

    def content(self, width: int, height: int) -> list[Text]:
        room = self._visible_rows
        self._offset = max(min(self._offset, len(self._rows) - room), 0)
        painter = RowPainter(Columns.of(width), self.style_of, self.glyphs)
        shown = self._rows[self._offset : self._offset + room]
        if not shown:
            return [Text("no setting of that name", self.style_of("dim"))]
        return [self._line(painter, row, self._offset + number) for number, row in enumerate(shown)]

    def _line(self, painter: RowPainter, row: Row, number: int) -> Text:
        hidden = None
        if row.is_head and row.table in self._folded and not self._words:
            hidden = [
                each for each in self._all_rows if each.table == row.table and not each.is_head and each.is_listed
            ]
        running = self._running_value(row)
        if hidden is not None and running is None and any(self._running_value(each) is not None for each in hidden):
            running = "differs"
        problem = self._typing_problem if row.path == self._typed_into else self._problem_of(row)
        return painter.line(row, number == self._cursor, running, hidden, problem)

    def _problem_of(self, row: Row) -> str:
        """The fault of the row's own value, or of the data."""
        preset, path, wrong = self._fault
        is_so_still = self._draft is not None and self._draft.preset is preset
        return row.problem or (wrong if is_so_still and path == row.path else "")

    def _running_value(self, row: Row) -> str | None:
        """The value that a run in progress uses, if it differs."""
        running = self._in_use.get(row.path)
        return None if running == row.value else running

    # Rows and cursor.

    @property
    def row(self) -> Row | None:
        """The row at the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def copyable(self) -> Copied | None:
        """The setting at the cursor as a line of TOML; at the head of a family, all of its settings."""
        if self._draft is None or self.row is None:
            return None
        path, values = self.row.path, self._draft.preset.flat()
        lines = [f"{each} = {toml(value)}" for each, value in values.items() if f"{each}.".startswith(f"{path}.")]
        return Copied(path, "\n".join(lines)) if lines else None

    def _read_rows(self, path: str | None = None) -> None:
        """Reads the rows again; the cursor stays on its setting, or moves to `path`."""
        if self._draft is None:
            return
        wanted = path or (self.row.path if self.row is not None else "")
        self._is_of_run = self._watched is not None and _same_training(self._draft, self._watched)
        self._all_rows = self._draft.rows()
        if self._words:
            matching = found(self._all_rows, self._words)
            tables = {row.table for row in matching}
            self._rows = [row for row in self._all_rows if row in matching or (row.is_head and row.table in tables)]
        else:
            listed = [row for row in self._all_rows if row.is_listed or row.path == wanted]
            self._rows = [row for row in listed if row.is_head or row.table not in self._folded]
        paths = [row.path for row in self._rows]
        self._cursor = paths.index(wanted) if wanted in paths else min(self._cursor, max(len(paths) - 1, 0))
        self._moved()

    def _moved(self) -> None:
        """Brings the cursor into view, and describes its row."""
        room = self._visible_rows
        self._offset = min(max(self._offset, self._cursor - room + 1), self._cursor)
        self.redraw()
        self.post_hint()

    def post_hint(self) -> None:
        """Posts the sentence about the row at the cursor."""
        self.post_message(self.Hint(self._description()))

    def _description(self) -> Text:
        row = self.row
        if row is None:
            return Text()
        problem = self._typing_problem or self._problem_of(row)
        width = self.screen.size.width - 1
        return describe(row, self._running_value(row), problem, width, self.style_of, self.glyphs)

    def focus_row(self, path: str) -> None:
        """Puts the cursor on a setting, unfolding its family."""
        table, key = table_of(path)
        if key:
            self._folded.discard(table)
        self._read_rows(path)

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        self._cursor = min(max(self._cursor + rows, 0), max(len(self._rows) - 1, 0))
        self._moved()

    def action_page(self, pages: int) -> None:
        """Moves the cursor by a page."""
        self.action_move(pages * max(self._visible_rows - 1, 1))

    def action_fold(self) -> None:
        """Folds the family at the cursor, or unfolds it."""
        if self.row is not None:
            self._folded ^= {self.row.table}
            self._read_rows(self.row.table)

    def action_fold_all(self) -> None:
        """Folds all families, or unfolds all."""
        heads = {row.table for row in self._all_rows if row.is_head}
        self._folded = set() if self._folded == heads else heads
        self._read_rows(self.row.table if self.row is not None else None)

    # The wheel.

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """Scrolls down; the cursor stays where it is."""
        self._scroll_view(3)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """Scrolls up; the cursor stays where it is."""
        self._scroll_view(-3)

    def _scroll_view(self, rows: int) -> None:
        if not self.is_editing:
            self._offset = max(min(self._offset + rows, len(self._rows) - self._visible_rows), 0)
            self.redraw()


def _same_training(draft: Draft, run: Preset) -> bool:
    """Whether the run was started with the draft's settings; names and changes by hand since then do not count."""
    if draft.problems or run.changes[: len(draft.preset.changes)] != draft.preset.changes:
        return False
    left_out = {"name": run.name, "description": run.description, "changes": run.changes}
    return draft.preset.with_absolute_paths().model_copy(update=left_out) == run
