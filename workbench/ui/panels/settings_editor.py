"""What is put over a row of the settings while it is edited: a field, a list of choices, or the search."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.ui.form.parsing import wording
from workbench.ui.form.rows import Row

KEYS_THAT_LEAVE = frozenset({"ctrl+s", "ctrl+o", "ctrl+q"})
"""What they do must find the value that has been typed."""


Leave = Callable[["ValueField", bool, int], None]


class ValueField(Input):
    """A value being typed. Enter, up, down and tab take it; escape leaves it as it was."""

    DEFAULT_CSS = """
    ValueField {
        position: absolute;
        border: none;
        height: 1;
        padding: 0;
        background: $panel;
        color: $foreground;
    }
    ValueField:focus { border: none; background: $panel; }
    ValueField:ansi { text-style: underline; }
    ValueField.-wrong { color: $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave(False, 0)", show=False),
        Binding("enter", "leave(True, 0)", show=False),
        Binding("up,shift+tab", "leave(True, -1)", show=False),
        Binding("down,tab", "leave(True, 1)", show=False),
    ]

    def __init__(self, value: str, leave: Leave, placeholder: str = "") -> None:
        """leave: called once, with this field, whether its value is taken, and by how many rows to go on."""
        super().__init__(value, placeholder=placeholder, select_on_focus=True)
        self._leave = leave
        self._is_left = False

    def action_leave(self, taken: bool, move: int) -> None:
        """Leaves the field, once; move: rows to go on by."""
        if not self._is_left:
            self._is_left = True
            self._leave(self, taken, move)

    def on_key(self, event: events.Key) -> None:
        """Lets the value be taken before a key does something with the settings."""
        if event.key in KEYS_THAT_LEAVE:
            self.action_leave(True, 0)

    def on_blur(self, _: events.Blur) -> None:
        """A click elsewhere takes what was typed; a terminal that loses the focus leaves all as it is."""
        if self.is_attached and self.screen.focused is not self:
            self.action_leave(True, 0)


class FindField(ValueField):
    """The words that are looked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab", "move(-1)", show=False),
        Binding("down,tab", "move(1)", show=False),
    ]

    class Moved(Message):
        """On to another of the settings that were found."""

        def __init__(self, move: int) -> None:
            super().__init__()
            self.move = move

    def __init__(self, leave: Leave) -> None:
        super().__init__("", leave, placeholder="find a setting")

    def on_blur(self, event: events.Blur) -> None:
        """A click on what was found is the panel's to answer, before other rows stand there."""
        if self.screen.focused is self.parent:
            event.prevent_default()

    def action_move(self, rows: int) -> None:
        """Moves among what was found."""
        self.post_message(self.Moved(rows))


class ChoiceList(OptionList):
    """The choices of a row, each with its explanation in a line; a letter goes to the next that begins with it."""

    DEFAULT_CSS = """
    ChoiceList {
        position: absolute;
        overlay: screen;
        constrain: inside inside;
        max-width: 94vw;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        height: auto;
        border: round $accent;
        background: $surface;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    ChoiceList:focus { border: round $accent; background-tint: $foreground 0%; }
    ChoiceList.-ascii, ChoiceList.-ascii:focus { border: ascii $accent; }
    ChoiceList > .option-list--option-highlighted { background: $cursor-line; text-style: bold; }
    ChoiceList:focus > .option-list--option-highlighted { background: $cursor-line; color: $foreground; }
    ChoiceList:ansi > .option-list--option-highlighted { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Left(Message):
        """The list has been left without a choice."""

    def __init__(self, row: Row, mark: str) -> None:
        """mark: the character that stands before what is chosen now."""
        self._labels = [label for label, _ in row.choices]
        names = [wording(label) for label in self._labels]
        widest = max(map(len, names))
        options = [
            Option(_line(mark if label == row.chosen else " ", name, help, widest), id=label)
            for name, (label, help) in zip(names, row.choices, strict=True)
        ]
        super().__init__(*options)
        self.highlighted = self._labels.index(row.chosen) if row.chosen in self._labels else 0
        self.wanted_width = 4 + 2 + widest + 2 + max(len(help) for _, help in row.choices) + 1
        self.wanted_height = len(options) + 2

    def on_mount(self) -> None:
        glyphs = getattr(self.app, "glyphs", None)
        self.set_class(glyphs is not None and glyphs.ascii, "-ascii")

    def action_leave(self) -> None:
        """Leaves things as they were."""
        self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        """A letter or digit goes to the next choice that begins with it."""
        character = (event.character or "").lower()
        if not character.isalnum():
            return
        event.stop()
        here = self.highlighted or 0
        order = [*range(here + 1, len(self._labels)), *range(here + 1)]
        matches = [number for number in order if self._labels[number].startswith(character)]
        if matches:
            self.highlighted = matches[0]

    def on_blur(self, _: events.Blur) -> None:
        """A click elsewhere leaves things as they were."""
        if self.is_attached and self.screen.focused is not self:
            self.action_leave()


def _line(mark: str, label: str, help: str, widest: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{mark} ")
    line.append(f"{label:<{widest}}  ", "bold")
    line.append(help, "dim")
    return line
