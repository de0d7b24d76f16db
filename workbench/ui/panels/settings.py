"""The settings: one quiet list, a row a setting, edited in place.

The list is drawn, not built of widgets: an Input or a list of choices is put over a row only while that row is edited.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList

from workbench.settings.preset import Preset
from workbench.ui.form.draft import Draft
from workbench.ui.form.fields import PRESET
from workbench.ui.form.rows import Row
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.settings_editor import ChoiceList, FindField, ValueField

LABEL_SHARE = 0.52
LABEL_CELLS = (12, 27)
HELP_FROM_WIDTH = 74
"""From this width on the help of each setting stands beside it."""
VALUE_CELLS = 22
INDENT = 2


class SettingsPanel(Panel):
    """Rows of the draft, grouped by family; families fold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-1000)", show=False),
        Binding("end", "move(1000)", show=False),
        Binding("left,minus", "step(-1)", show=False),
        Binding("right,plus", "step(1)", show=False),
        Binding("enter", "edit", show=False),
        Binding("delete,backspace", "reset", show=False),
        Binding("f", "fold", show=False),
        Binding("F", "fold_all", show=False),
        Binding("escape", "show_all", show=False),
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
        self._rows: list[Row] = []
        self._folded: set[str] = {PRESET}
        self._words: list[str] = []
        """What is looked for; empty for all rows."""
        self._cursor = 0
        self._offset = 0

    def show(self, draft: Draft, running: Preset | None = None) -> None:
        """Shows a draft, beside the settings of a run in progress where those differ."""
        self._draft = draft
        self._in_use = {}
        if running is not None:
            self._in_use = {row.path: row.value for row in Draft(running).rows()}
        self._refresh_rows()

    # What is drawn.

    def heading(self) -> Text:
        return Text.assemble(("settings", self.style_of("strong")))

    def footing(self) -> Text:
        parts = []
        if self._words:
            parts.append(f"{len(self._rows)} found")
        changed = 0 if self._draft is None else len(self._draft.changes())
        if changed:
            parts.append(f"{self.glyphs.dot} {changed} changed")
        hidden = len(self._rows) - self._offset - max(self.size.height - 2, 0)
        if hidden > 0:
            parts.append(f"{hidden} below")
        return Text("  ".join(parts), self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        self._offset = min(max(self._offset, self._cursor - height + 1), self._cursor)
        self._offset = max(min(self._offset, len(self._rows) - height), 0)
        shown = self._rows[self._offset : self._offset + height]
        if not shown:
            return [Text("no setting of that name", self.style_of("dim"))]
        return [self._line(row, width, self._offset + number == self._cursor) for number, row in enumerate(shown)]

    def _label_cells(self, width: int) -> int:
        least, most = LABEL_CELLS
        return min(max(int(width * LABEL_SHARE), least), most)

    def _line(self, row: Row, width: int, at_cursor: bool) -> Text:
        cells = self._label_cells(width)
        line = self._head(row, cells) if row.is_head else self._setting(row, cells)
        if row.changed:
            line.append(f" {self.glyphs.dot}", self.style_of("warning"))
        if row.problem:
            line.append(f" {self.glyphs.wrong} {row.problem}", self.style_of("error"))
        elif (running := self._in_use.get(row.path)) is not None and running != row.value:
            line.append(f" running {running}", self.style_of("dim"))
        elif width >= HELP_FROM_WIDTH and not row.is_head:
            line.pad_right(max(cells + VALUE_CELLS - line.cell_len, 2))
            line.append(row.help, self.style_of("dim"))
        if not at_cursor:
            return line
        arrows = f"{self.glyphs.left} {self.glyphs.right}" if row.can_step else ""
        room = width - (len(arrows) + 1 if arrows else 0)
        if line.cell_len > room:
            line.truncate(max(room - 1, 0))
            line.append(self.glyphs.ellipsis)
        line.pad_right(width - line.cell_len - len(arrows))
        line.append(arrows, self.style_of("dim"))
        line.stylize(self.style_of("cursor"))
        return line

    def _head(self, row: Row, cells: int) -> Text:
        glyph = self.glyphs.folded if row.table in self._folded and not self._words else self.glyphs.open
        label = Text.assemble((row.label.capitalize(), self.style_of("strong")))
        label.pad_right(cells - label.cell_len)
        return Text.assemble(
            label,
            (row.value, self.style_of("accent")),
            (f" {glyph}".lstrip("" if row.value else " "), self.style_of("dim")),
        )

    def _setting(self, row: Row, cells: int) -> Text:
        room = cells - INDENT - 1
        name = row.label if len(row.label) <= room else f"{row.label[: room - 1]}{self.glyphs.ellipsis}"
        value = row.value or ("none" if row.kind == "text" else "")
        style = "error" if row.problem else "text" if row.value else "dim"
        return Text.assemble((f"{'':<{INDENT}}{name:<{room}} ", self.style_of("dim")), (value, self.style_of(style)))

    # Rows and cursor.

    @property
    def row(self) -> Row | None:
        """The row at the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def _refresh_rows(self, path: str | None = None) -> None:
        """Reads the rows anew; the cursor stays on its setting, or goes to `path`."""
        if self._draft is None:
            return
        wanted = path or (self.row.path if self.row is not None else "")
        rows = self._draft.rows()
        if self._words:
            found = [row for row in rows if all(word in _searchable(row) for word in self._words)]
            tables = {row.table for row in found}
            self._rows = [row for row in rows if row in found or (row.is_head and row.table in tables)]
        else:
            self._rows = [row for row in rows if row.is_head or row.table not in self._folded]
        paths = [row.path for row in self._rows]
        self._cursor = paths.index(wanted) if wanted in paths else min(self._cursor, max(len(paths) - 1, 0))
        self.redraw()
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Hint(self._description()))

    def _description(self) -> Text:
        row = self.row
        if row is None:
            return Text()
        dim, strong = self.style_of("dim"), self.style_of("strong")
        if row.problem:
            problem = (f"{self.glyphs.wrong} {row.problem}", self.style_of("error"))
            return Text.assemble((f"{row.label}  ", strong), problem, (f"  {row.help}", dim))
        parts = [part for part in (row.help, row.bounds, row.unit if row.unit not in row.bounds else "") if part]
        if row.default:
            parts.append(f"default {row.default}")
        separator = " - " if self.glyphs.ascii else " · "
        return Text.assemble((f"{row.label}  ", strong), (separator.join(parts), self.style_of("text")))

    def focus_row(self, path: str) -> None:
        """Puts the cursor on a setting, unfolding its family."""
        self._folded.discard(path.partition(".")[0])
        self._refresh_rows(path)

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        self._cursor = min(max(self._cursor + rows, 0), max(len(self._rows) - 1, 0))
        self.redraw()
        self._tell()

    def action_fold(self) -> None:
        """Folds the family at the cursor, or unfolds it."""
        if self.row is not None:
            self._folded ^= {self.row.table}
            self._refresh_rows(self.row.table)

    def action_fold_all(self) -> None:
        """Folds all families, or unfolds all."""
        heads = {row.table for row in self._draft.rows() if row.is_head} if self._draft is not None else set()
        self._folded = set() if self._folded == heads else heads
        self._refresh_rows(self.row.table if self.row is not None else None)

    def action_show_all(self) -> None:
        """Ends the search."""
        self._words = []
        self._refresh_rows()

    # Changing values.

    def _changed(self) -> None:
        self._refresh_rows()
        self.post_message(self.Changed())

    def action_step(self, direction: int) -> None:
        """The next value."""
        if self._draft is not None and self.row is not None and self.row.can_step:
            self._draft.step(self.row.path, direction)
            self._changed()

    def action_reset(self) -> None:
        """Back to the opened preset's value."""
        if self._draft is not None and self.row is not None and not self.row.is_head:
            self._draft.reset(self.row.path)
            self._changed()

    def action_edit(self) -> None:
        """Edits in place: a list of choices, a field, or a switch at once."""
        row = self.row
        if row is None or self._draft is None:
            return
        if row.kind == "table":
            self.action_fold()
        elif row.kind == "flag":
            self.action_step(1)
        elif row.choices:
            self._open(ChoiceList(row), self._cell_of_value(below=True))
        else:
            self._open(ValueField(row.typed), self._cell_of_value(below=False))

    def _cell_of_value(self, *, below: bool) -> tuple[int, int]:
        column = 2 + self._label_cells(self.size.width - 4)
        return (4 if below else column, 1 + self._cursor - self._offset + (1 if below else 0))

    def _open(self, editor: Input | OptionList, offset: tuple[int, int]) -> None:
        self._close_editor()
        editor.styles.offset = offset
        if isinstance(editor, ValueField):
            editor.styles.width = max(self.size.width - offset[0] - 2, 8)
        self.mount(editor)
        editor.focus()

    def _close_editor(self) -> None:
        for editor in self.query("ChoiceList, ValueField, FindField"):
            editor.remove()

    @on(ChoiceList.OptionSelected)
    def _choice_taken(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self._end_editing()
        row = self.row
        if row is None or self._draft is None or message.option.id is None:
            return
        if row.kind == "family":
            self._draft.choose(row.table, message.option.id)
        else:
            self._draft.enter(row.path, message.option.id)
        self._changed()

    @on(ValueField.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        if isinstance(message.input, FindField):
            self._words = message.value.lower().split()
            self._refresh_rows(self._best_match())
            return
        if self._draft is None or self.row is None:
            return
        problem = self._draft.check(self.row.path, message.value)
        message.input.set_class(problem is not None, "-wrong")
        if problem is None:
            self._tell()
            return
        said = (f"{self.glyphs.wrong} {problem}", self.style_of("error"))
        bounds = (f"  {self.row.bounds}", self.style_of("dim"))
        self.post_message(self.Hint(Text.assemble((f"{self.row.label}  ", self.style_of("strong")), said, bounds)))

    @on(ValueField.Left)
    def _value_left(self, message: ValueField.Left) -> None:
        """A field was left: with its value taken, and on to a neighbour; or as it was."""
        self._end_editing()
        if isinstance(message.field, FindField):
            if not message.taken:
                self._words = []
            self._words, path = [], self.row.path if self.row is not None else None
            if path is not None:
                self.focus_row(path)
            return
        if message.taken and self._draft is not None and self.row is not None:
            self._draft.enter(self.row.path, message.field.value)
            self._changed()
        else:
            self._tell()
        if message.move:
            self.action_move(message.move)

    @on(ChoiceList.Left)
    def _list_left(self) -> None:
        self._end_editing()
        self._tell()

    def _end_editing(self) -> None:
        self._close_editor()
        self.focus()

    def _best_match(self) -> str | None:
        """The setting that is meant most likely: whose name begins with what is typed, or has it."""
        if self._draft is None or not self._words:
            return None
        typed = " ".join(self._words)
        rows = [row for row in self._draft.rows() if all(word in _searchable(row) for word in self._words)]
        rows.sort(key=lambda row: (not row.label.startswith(typed), typed not in row.label))
        return rows[0].path if rows else None

    def find(self) -> None:
        """Opens the field that finds a setting by name."""
        self.focus()
        self._open(FindField(), (2, max(self.size.height - 2, 1)))

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        """A click selects; on the selected row it edits, on its arrows it steps."""
        number = self._offset + event.y - 1
        if not 0 <= number < len(self._rows) or not 0 < event.y < self.size.height - 1:
            return
        if number != self._cursor:
            self._cursor = number
            self.action_move(0)
        elif self._rows[number].can_step and event.x >= self.size.width - 5:
            self.action_step(1 if event.x >= self.size.width - 3 else -1)
        else:
            self.action_edit()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """Down the list."""
        self.action_move(3)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """Up the list."""
        self.action_move(-3)


def _searchable(row: Row) -> str:
    return f"{row.label} {row.path} {row.help}".lower()
