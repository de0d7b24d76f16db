"""What is put over a row of the settings while it is edited: a field, a list of choices, or the search."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.ui.form.rows import Row

MOST_CHOICES_SHOWN = 14


class ValueField(Input):
    """A value being typed. Enter, up, down and tab take it; escape leaves it as it was."""

    DEFAULT_CSS = """
    ValueField {
        overlay: screen;
        border: none;
        height: 1;
        padding: 0;
        background: $panel;
        color: $foreground;
    }
    ValueField:focus { border: none; background: $panel; }
    ValueField.-wrong { color: $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave(False, 0)", show=False),
        Binding("enter", "leave(True, 0)", show=False),
        Binding("up,shift+tab", "leave(True, -1)", show=False),
        Binding("down,tab", "leave(True, 1)", show=False),
    ]

    class Left(Message):
        """The field has been left."""

        def __init__(self, field: ValueField, taken: bool, move: int) -> None:
            super().__init__()
            self.field, self.taken, self.move = field, taken, move

    def __init__(self, value: str = "", placeholder: str = "") -> None:
        super().__init__(value, placeholder=placeholder, select_on_focus=True)

    def action_leave(self, taken: bool, move: int) -> None:
        """Leaves the field; move: rows to go on by."""
        self.post_message(self.Left(self, taken, move))

    def on_blur(self, _: events.Blur) -> None:
        """A click elsewhere takes what was typed."""
        if self.is_attached and not self.has_focus:
            self.post_message(self.Left(self, True, 0))


class FindField(ValueField):
    """The words that are looked for."""

    def __init__(self) -> None:
        super().__init__(placeholder="find a setting")
        self.styles.width = 30


class ChoiceList(OptionList):
    """The choices of a row, each with its explanation in a line; a letter goes to the next that begins with it."""

    DEFAULT_CSS = """
    ChoiceList {
        overlay: screen;
        constrain: inside inside;
        width: 104;
        max-width: 94vw;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        height: auto;
        max-height: 16;
        border: round $accent;
        background: $surface;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    ChoiceList:focus { border: round $accent; }
    ChoiceList > .option-list--option-highlighted { background: $cursor-line; text-style: bold; }
    ChoiceList:focus > .option-list--option-highlighted { background: $cursor-line; color: $foreground; }
    ChoiceList:ansi > .option-list--option-highlighted { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Left(Message):
        """The list has been left without a choice."""

    def __init__(self, row: Row) -> None:
        widest = max(len(label) for label, _ in row.choices)
        super().__init__(*(Option(_line(label, help, widest), id=label) for label, help in row.choices))
        labels = [label for label, _ in row.choices]
        self._labels = labels
        self.highlighted = labels.index(row.chosen) if row.chosen in labels else 0

    def action_leave(self) -> None:
        """Leaves things as they were."""
        self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        """A letter or digit goes to the next choice that begins with it."""
        character = (event.character or "").lower()
        if not character.isalnum():
            return
        here = self.highlighted or 0
        order = [*range(here + 1, len(self._labels)), *range(here + 1)]
        for number in order:
            if self._labels[number].startswith(character):
                self.highlighted = number
                event.stop()
                return

    def on_blur(self, _: events.Blur) -> None:
        """A click elsewhere leaves things as they were."""
        if self.is_attached and not self.has_focus:
            self.post_message(self.Left())


def _line(label: str, help: str, widest: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{label:<{widest}}  ", "bold")
    line.append(help, "dim")
    return line
