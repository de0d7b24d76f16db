"""The settings: one quiet list, a row a setting, edited in place.

The list is drawn, not built of widgets: an Input or a list of choices is put over a row only while that row is edited.
How a row looks stands in `settings_lines`.
"""

from __future__ import annotations

import re
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList

from workbench.settings.data import DATA
from workbench.settings.preset import Preset
from workbench.ui.expectation import Expectation
from workbench.ui.form.draft import Draft
from workbench.ui.form.fields import PRESET, table_of
from workbench.ui.form.rows import Row
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.settings_completion import CandidateList, CompletedField
from workbench.ui.panels.settings_editor import ChoiceList, FindField, ValueField
from workbench.ui.panels.settings_hint import describe
from workbench.ui.panels.settings_lines import Columns, RowPainter
from workbench.ui.panels.settings_offers import Offers
from workbench.units import rate, size

BORDER = 2
"""Cells between the panel's edge and what is inside."""
FOOT_LINES = 2
"""Lines of the screen that a list of choices leaves alone: the hint and the keys."""
LEAST_LIST_HEIGHT = 3
"""A list of choices with less room than this covers its row."""


class SettingsPanel(Panel):
    """Rows of the draft, grouped by family; families fold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000)", show=False),
        Binding("end", "move(1000)", show=False),
        Binding("left,minus", "step(-1)", show=False),
        Binding("right,plus,equals_sign", "step(1)", show=False),
        Binding("enter", "edit", show=False),
        Binding("delete,backspace", "reset", show=False),
        Binding("f", "fold", show=False),
        Binding("F", "fold_all", show=False),
        Binding("slash", "find", show=False),
    ]

    class Changed(Message):
        """The draft is another one now."""

    class Hint(Message):
        """A sentence about the row at the cursor, or about what is wrong with what is typed."""

        def __init__(self, text: Text) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft: Draft | None = None
        self._in_use: dict[str, str] = {}
        self._watched: Preset | None = None
        self._is_of_run = False
        """Whether the draft is what the watched run was started with."""
        self._all_rows: list[Row] = []
        self._rows: list[Row] = []
        self._folded: set[str] = {PRESET}
        self._words: list[str] = []
        """What is looked for; empty for all rows."""
        self._cursor = 0
        self._offset = 0
        self._editor: ValueField | ChoiceList | None = None
        self._edited = ""
        """The path that is being edited; while a setting is looked for, the row to go back to."""
        self._typing_problem = ""
        self._expectation: Expectation | None = None
        self._offers = Offers()
        self._fault: tuple[Preset | None, str, str] = (None, "", "")
        """Settings that are valid, but cannot be trained with the data; the path of the wrong one, what is wrong."""

    def show(self, draft: Draft, running: Preset | None = None, watched: Preset | None = None) -> None:
        """Shows a draft, beside the settings of a run in progress where those differ.

        watched: what the run was started with that the rest of the screen shows, going or ended.
        """
        self._draft = draft
        self._watched = watched
        self._in_use = {}
        if running is not None:
            self._in_use = {row.path: row.value for row in Draft(running).rows()}
        self._read_rows()

    def expect(self, expectation: Expectation | None) -> None:
        """Shows what the settings would take, or what is wrong with them; None while that is not known."""
        self._expectation = expectation
        if expectation is not None:
            self._note_fault(expectation.reason if expectation.is_wrong else "")
        self.redraw()

    def go_to_fault(self, wrong: str) -> None:
        """Shows what is wrong at its setting, with the cursor there unless something is being edited."""
        if self._editor is None:
            self.focus_row(self._row_of(wrong))
        self._note_fault(wrong)
        self.redraw()

    def _note_fault(self, wrong: str) -> None:
        if self._draft is not None:
            self._fault = (self._draft.preset, self._row_of(wrong), wrong)
            self.tell()

    def _row_of(self, wrong: str) -> str:
        """The setting that a message names by its path; else the data."""
        paths = (row.path for row in self._all_rows if not row.is_head)
        found = [path for path in paths if re.search(rf"(?<![\w.]){re.escape(path)}(?![\w])", wrong)]
        return min(found, key=wrong.index, default=DATA.name) if wrong else ""

    # What is drawn.

    def heading(self) -> Text:
        """Whose settings they are, once there is a run: the screen around them tells of that."""
        name = ("settings", self.style_of("strong"))
        if self._watched is None or self._draft is None:
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
        # What the settings would take gives way first: the memory panel and --dry-run say it too.
        shorter = ("  ".join([*first, *expected, *last]) for expected in self._expected())
        return self.first_fitting(Text(text, self.style_of("dim")) for text in shorter)

    def _expected(self) -> list[list[str]]:
        """What would be learnt and what that would take, in fewer and fewer words."""
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
        """How many rows there is room for: the search takes the last line."""
        return max(self.size.height - 2 - isinstance(self._editor, FindField), 1)

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
            hidden = [each for each in self._all_rows if each.table == row.table and not each.is_head]
        running = self._running_value(row)
        if hidden is not None and running is None and any(self._running_value(each) is not None for each in hidden):
            running = "differs"
        is_typed_into = row.path == self._edited and isinstance(self._editor, ValueField) and not self._words
        problem = self._typing_problem if is_typed_into else self._problem_of(row)
        return painter.line(row, number == self._cursor, running, hidden, problem)

    def _problem_of(self, row: Row) -> str:
        """What is wrong with a row by itself, or with the data."""
        preset, path, wrong = self._fault
        is_so_still = self._draft is not None and self._draft.preset is preset
        return row.problem or (wrong if is_so_still and path == row.path else "")

    def _running_value(self, row: Row) -> str | None:
        """What a run in progress uses, if that is something else."""
        running = self._in_use.get(row.path)
        return None if running == row.value else running

    # Rows and cursor.

    @property
    def row(self) -> Row | None:
        """The row at the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def _read_rows(self, path: str | None = None) -> None:
        """Reads the rows anew; the cursor stays on its setting, or goes to `path`."""
        if self._draft is None:
            return
        wanted = path or (self.row.path if self.row is not None else "")
        self._is_of_run = self._watched is not None and _same_training(self._draft, self._watched)
        self._all_rows = self._draft.rows()
        if self._words:
            found = [row for row in self._all_rows if self._is_found(row)]
            tables = {row.table for row in found}
            self._rows = [row for row in self._all_rows if row in found or (row.is_head and row.table in tables)]
        else:
            self._rows = [row for row in self._all_rows if row.is_head or row.table not in self._folded]
        paths = [row.path for row in self._rows]
        self._cursor = paths.index(wanted) if wanted in paths else min(self._cursor, max(len(paths) - 1, 0))
        self._moved()

    def _moved(self) -> None:
        """Brings the cursor into view, and tells about its row."""
        room = self._visible_rows
        self._offset = min(max(self._offset, self._cursor - room + 1), self._cursor)
        self.redraw()
        self.tell()

    def tell(self) -> None:
        """Tells about the row at the cursor."""
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
        """Moves the cursor by what is in view."""
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

    # Changing values.

    def _changed(self) -> None:
        self._read_rows()
        self.post_message(self.Changed())

    def action_step(self, direction: int) -> None:
        """The next value."""
        if self._draft is not None and self.row is not None and self.row.can_step:
            self._draft.step(self.row.path, direction)
            self._changed()

    def action_reset(self) -> None:
        """Back to the opened preset's value; at the head of a family, all of it."""
        if self._draft is not None and self.row is not None:
            self._draft.reset(self.row.path)
            self._changed()

    def edit(self) -> None:
        """Edits the row at the cursor in place: a list of choices, a field, or a switch at once."""
        row = self.row
        if row is None or self._draft is None:
            return
        if row.kind == "table":
            self.action_fold()
        elif row.kind == "flag":
            self.action_step(1)
        elif row.choices and row.kind != "text":
            self._open(ChoiceList(row, self.glyphs.dot))
        else:
            self._typing_problem = row.problem
            self._open(self._offers.field(row, self._leave_field))
            if row.completes in ("column", "columns"):
                self._read_columns()

    action_edit = edit

    @work(exclusive=True, group="columns")
    async def _read_columns(self) -> None:
        if self._draft is not None:
            await self._offers.read_columns(self._draft, self._tell_in_field)

    def _tell_in_field(self, text: str) -> None:
        if isinstance(self._editor, CompletedField):
            self._editor.tell(text)
            self._place_editor()

    @on(CandidateList.OptionSelected)
    def _candidate_clicked(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        if isinstance(self._editor, CompletedField):
            self._editor.pick(message.option_index)

    def find(self) -> None:
        """Opens the field that finds a setting by name."""
        self._open(FindField(self._leave_field))
        self._moved()

    action_find = find

    # Editors.

    def _open(self, editor: ValueField | ChoiceList) -> None:
        self._close_editor()
        self._editor = editor
        self._edited = self.row.path if self.row is not None else ""
        self._place_editor()
        self.mount(editor, *([editor.offered] if isinstance(editor, CompletedField) else []))
        editor.focus()

    def _place_editor(self) -> None:
        """Puts the editor over the value of its row, or beside the row where it needs more room."""
        editor, row = self._editor, self.row
        columns, line = self._columns, 1 + self._cursor - self._offset
        if isinstance(editor, FindField):
            editor.styles.offset = (BORDER, max(self.size.height - 2, 1))
            editor.styles.width = max(columns.width, 1)
        elif isinstance(editor, ValueField) and row is not None:
            editor.styles.offset = (BORDER + columns.value_of(row), line)
            editor.styles.width = max(columns.field_cells(row), 1)
            if isinstance(editor, CompletedField):
                above = self.region.y + line
                below = self.screen.size.height - above - 1 - FOOT_LINES
                editor.place_list(BORDER + columns.value_of(row), line, above, below)
        elif isinstance(editor, ChoiceList) and row is not None:
            above = self.region.y + line
            below = self.screen.size.height - above - 1 - FOOT_LINES
            opens_below = below >= min(editor.wanted_height, above)  # above only where there is more room
            height = max(min(editor.wanted_height, below if opens_below else above), LEAST_LIST_HEIGHT)
            indent = 0 if columns.help else BORDER
            left = min(columns.value_of(row), self.screen.size.width - editor.wanted_width - self.region.x - BORDER)
            editor.styles.offset = (max(left, indent), line + 1 if opens_below else line - height)
            editor.styles.width = editor.wanted_width
            editor.styles.height = height  # it stays as it is when typing narrows the list

    def _close_editor(self) -> None:
        if self._editor is not None:
            _remove(self._editor)
        self._editor = None
        self._typing_problem = ""

    def _end_editing(self) -> None:
        editor, self._editor = self._editor, None
        self._typing_problem = ""
        if editor is not None:
            had_focus = self.screen.focused in (editor, None)
            _remove(editor)
            if had_focus:
                self.focus()

    @on(ChoiceList.OptionSelected)
    def _choice_taken(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        path, label = self._edited, message.option.id
        self._end_editing()
        if self._draft is not None and label is not None:
            self._draft.enter(path, label)
            self._changed()

    @on(ChoiceList.OptionHighlighted)
    def _choice_looked_at(self, message: OptionList.OptionHighlighted) -> None:
        """Says the whole of an explanation that the list may have had to shorten."""
        message.stop()
        row = self.row
        if row is not None and isinstance(self._editor, ChoiceList) and message.option.id is not None:
            help = dict(row.choices).get(message.option.id) or row.help
            label = (f"{message.option.id}  ", self.style_of("strong"))
            self.post_message(self.Hint(Text.assemble(label, (help, self.style_of("text")))))

    @on(ChoiceList.Left)
    def _list_left(self, message: ChoiceList.Left) -> None:
        message.stop()
        self._end_editing()
        self.tell()

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        if message.input is not self._editor:
            return
        if isinstance(self._editor, FindField):
            self._words = message.value.lower().split()
            self._read_rows(self._best_match())
        elif self._draft is not None:
            self._typing_problem = self._draft.check(self._edited, message.value) or ""
            message.input.set_class(bool(self._typing_problem), "-wrong")
            if isinstance(self._editor, CompletedField):
                self._editor.renew()
                self._place_editor()
            self.redraw()
            self.tell()

    @on(FindField.Moved)
    def _moved_among_found(self, message: FindField.Moved) -> None:
        message.stop()
        self.action_move(message.move)

    def _leave_field(self, field: ValueField, taken: bool, move: int) -> None:
        """A field is left: with its value taken, and on to a neighbour; or as it was."""
        if field is not self._editor:
            return
        path, was_there = self._edited, self.row
        self._end_editing()
        if isinstance(field, FindField):
            is_found = taken and was_there is not None and bool(self._words)
            self._words = []
            self.focus_row(was_there.path if is_found and was_there is not None else path)
            return
        if taken and self._draft is not None:
            row = next((row for row in self._all_rows if row.path == path), None)
            if row is not None and field.value != row.typed:
                self._draft.enter(path, field.value)
            self._changed()
        else:
            self._moved()
        if move:
            self.action_move(move)

    def _is_found(self, row: Row) -> bool:
        text = f"{row.label} {row.path} {row.help} {row.value}".lower()
        return all(word in text or word == _initials(row) for word in self._words)

    def _best_match(self) -> str | None:
        """The setting that is meant most likely: whose name begins with what is typed, or has it."""
        if self._draft is None or not self._words:
            return self._edited
        typed = " ".join(self._words)
        rows = [row for row in self._all_rows if self._is_found(row)]
        rows.sort(
            key=lambda row: (
                typed != _initials(row), not row.label.startswith(typed), typed not in row.label, typed not in row.path
            )
        )  # fmt: skip
        return rows[0].path if rows else None

    def on_resize(self, _: events.Resize) -> None:
        """Keeps the cursor in view, the editor where its row is, and the sentence about it as long as the line."""
        self._offset = min(max(self._offset, self._cursor - self._visible_rows + 1), self._cursor)
        self._place_editor()
        self.tell()

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        """A click selects; on a value it edits, on an arrow it steps; on a selected head it folds."""
        number = self._offset + event.y - 1
        if not 0 <= number < len(self._rows) or not 0 < event.y <= self._visible_rows:
            if self._editor is not None and self.has_focus:
                self._editor.focus()
            return
        row, was_selected = self._rows[number], number == self._cursor
        self.action_move(number - self._cursor)
        if isinstance(self._editor, FindField):
            self._editor.action_leave(True, 0)
            return
        columns, x = self._columns, event.x - BORDER
        end = columns.help or columns.width
        left, right = columns.arrows
        if was_selected and row.can_step and left - 1 <= x <= right + 1:
            self.action_step(1 if x >= right else -1)
        elif row.kind != "table" and columns.value_of(row) <= x < end:
            self.edit()
        elif was_selected and row.is_head:
            self.action_fold()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """Down the list; the cursor stays where it is."""
        self._scroll_view(3)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """Up the list; the cursor stays where it is."""
        self._scroll_view(-3)

    def _scroll_view(self, rows: int) -> None:
        if self._editor is None:
            self._offset = max(min(self._offset + rows, len(self._rows) - self._visible_rows), 0)
            self.redraw()


def _remove(editor: ValueField | ChoiceList) -> None:
    editor.remove()
    if isinstance(editor, CompletedField):
        editor.offered.remove()


def _initials(row: Row) -> str:
    """As people abbreviate: lr for learning rate."""
    words = row.label.split()
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _same_training(draft: Draft, run: Preset) -> bool:
    """Whether a draft is what the run was started with, whatever the two are called and was changed by hand since."""
    if draft.problems or run.changes[: len(draft.preset.changes)] != draft.preset.changes:
        return False
    left_out = {"name": run.name, "description": run.description, "changes": run.changes}
    return draft.preset.with_absolute_paths().model_copy(update=left_out) == run
