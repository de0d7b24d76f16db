"""The settings, edited in place: an Input or a list of choices covers a row only while that row is edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList

from workbench.ui.form.search import best_match
from workbench.ui.panels.settings_completion import CandidateList, CompletedField
from workbench.ui.panels.settings_editor import ChoiceList, FindField, ValueField
from workbench.ui.panels.settings_list import BORDER, SettingsList
from workbench.ui.panels.settings_offers import Offers

FOOT_LINES = 2
"""Lines of the screen that a list of choices never covers: the hint and the keys."""
LEAST_LIST_HEIGHT = 3
"""A list of choices with less room than this covers its row."""


class SettingsPanel(SettingsList):
    """The list of settings, and what changes them."""

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
        """The draft has changed."""

    KEYS = (("enter", "edit"), ("left right", "step"), ("delete", "reset"), ("f", "fold"))

    def shown_keys(self) -> Sequence[tuple[str, str]]:
        return (("enter", "take"), ("esc", "cancel")) if self.is_editing else self.KEYS

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._editor: ValueField | ChoiceList | None = None
        self._edited = ""
        """The path that is being edited; while the search is open, the row to return to."""
        self._offers = Offers()

    @property
    def is_editing(self) -> bool:
        return self._editor is not None

    @property
    def _is_searching(self) -> bool:
        return isinstance(self._editor, FindField)

    @property
    def _typed_into(self) -> str:
        return self._edited if isinstance(self._editor, ValueField) and not self._words else ""

    # Changing values.

    def _changed(self) -> None:
        self._read_rows()
        self.post_message(self.Changed())

    def action_step(self, direction: int) -> None:
        """Steps the value of the setting at the cursor."""
        if self._draft is not None and self.row is not None and self.row.can_step:
            self._draft.step(self.row.path, direction)
            self._changed()

    def action_reset(self) -> None:
        """Resets to the opened preset's value; at the head of a family, the whole family."""
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
            await self._offers.read_columns(self._draft, self._say_in_field)

    def _say_in_field(self, text: str) -> None:
        if isinstance(self._editor, CompletedField):
            self._editor.show_sentence(text)
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
            editor.styles.offset = (BORDER + columns.label_end, line)
            editor.styles.width = max(columns.field_cells(row), 1)
            if isinstance(editor, CompletedField):
                above = self.region.y + line
                below = self.screen.size.height - above - 1 - FOOT_LINES
                editor.place_list(BORDER + columns.label_end, line, above, below)
        elif isinstance(editor, ChoiceList) and row is not None:
            above = self.region.y + line
            below = self.screen.size.height - above - 1 - FOOT_LINES
            opens_below = below >= min(editor.full_height, above)  # above the row only if there is more room
            height = max(min(editor.wanted_height, below if opens_below else above), LEAST_LIST_HEIGHT)
            indent = 0 if columns.help else BORDER
            left = min(columns.label_end, self.screen.size.width - editor.wanted_width - self.region.x - BORDER)
            editor.styles.offset = (max(left, indent), line + 1 if opens_below else line - height)
            editor.styles.width = editor.wanted_width
            editor.styles.height = height

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
        """Shows the whole explanation, which the list may have shortened."""
        message.stop()
        row = self.row
        if row is not None and isinstance(self._editor, ChoiceList) and message.option.id is not None:
            help = dict(row.choices).get(message.option.id) or row.help
            label = (f"{message.option.id}  ", self.style_of("strong"))
            self.post_message(self.Hint(Text.assemble(label, (help, self.style_of("text")))))

    @on(ChoiceList.Narrowed)
    def _list_narrowed(self, message: ChoiceList.Narrowed) -> None:
        """Keeps the list beside its row."""
        message.stop()
        self._place_editor()

    @on(ChoiceList.Left)
    def _list_left(self, message: ChoiceList.Left) -> None:
        message.stop()
        self._end_editing()
        self.post_hint()

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        if message.input is not self._editor:
            return
        if isinstance(self._editor, FindField):
            self._words = message.value.lower().split()
            match = best_match(self._all_rows, self._words) if self._words else None
            self._read_rows((None if match is None else match.path) if self._words else self._edited)
        elif self._draft is not None:
            self._typing_problem = self._draft.check(self._edited, message.value) or ""
            message.input.set_class(bool(self._typing_problem), "-wrong")
            if isinstance(self._editor, CompletedField):
                self._editor.renew()
                self._place_editor()
            self.redraw()
            self.post_hint()

    @on(FindField.Moved)
    def _moved_among_found(self, message: FindField.Moved) -> None:
        message.stop()
        self.action_move(message.move)

    def _leave_field(self, field: ValueField, taken: bool, move: int) -> None:
        """Closes a field: takes its value and moves to a neighbour, or leaves the setting as it was."""
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

    def on_resize(self, _: events.Resize) -> None:
        """Keeps the cursor in view and the editor on its row, and fits the sentence about it to the line's length."""
        self._offset = min(max(self._offset, self._cursor - self._visible_rows + 1), self._cursor)
        self._place_editor()
        self.post_hint()

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        """A click selects a row. On a value it edits, on an arrow it steps, on a selected head it folds."""
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
        elif row.kind != "table" and columns.label_end <= x < end:
            self.edit()
        elif was_selected and row.is_head:
            self.action_fold()


def _remove(editor: ValueField | ChoiceList) -> None:
    editor.remove()
    if isinstance(editor, CompletedField):
        editor.offered.remove()
