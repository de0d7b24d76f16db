"""Widgets that cover a row of the settings while it is edited: a field, a list of choices, or the search."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.tuning.ranges import is_range
from workbench.ui.form.completion import narrowed
from workbench.ui.form.parsing import wording
from workbench.ui.form.rows import Row

KEYS_THAT_LEAVE = frozenset({"ctrl+s", "ctrl+o", "ctrl+r", "ctrl+q"})
"""Their actions need the value that has been typed."""
HOW_TO_NARROW = "type to narrow the list"
EDGE_CELLS = 6
"""Around a text in the border of a list."""

Leave = Callable[["ValueField", bool, int], None]


class ValueField(Input):
    """A value being typed. Enter, up, down and tab take it; escape leaves the setting as it was."""

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
        """leave: called once, with this field, whether to take its value, and by how many rows to move the cursor."""
        super().__init__(value, placeholder=placeholder, select_on_focus=True)
        self._leave = leave
        self._is_left = False

    def action_leave(self, taken: bool, move: int) -> None:
        """Leaves the field, once. move: by how many rows to move the cursor."""
        if not self._is_left:
            self._is_left = True
            self._leave(self, taken, move)

    def on_key(self, event: events.Key) -> None:
        """Takes the value before a key acts on the settings."""
        if event.key in KEYS_THAT_LEAVE:
            self.action_leave(True, 0)

    def on_blur(self, _: events.Blur) -> None:
        """A click elsewhere takes what was typed; if the terminal loses the focus, nothing changes."""
        if self.is_attached and self.screen.focused is not self:
            self.action_leave(True, 0)


class FindField(ValueField):
    """The words of the search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab", "move(-1)", show=False),
        Binding("down,tab", "move(1)", show=False),
    ]

    class Moved(Message):
        """The cursor moves among the settings that were found."""

        def __init__(self, move: int) -> None:
            super().__init__()
            self.move = move

    def __init__(self, leave: Leave) -> None:
        super().__init__("", leave, placeholder="find a setting")

    def on_blur(self, event: events.Blur) -> None:
        """A click on a setting that was found is handled by the panel, before the rows change."""
        if self.screen.focused is self.parent:
            event.prevent_default()

    def action_move(self, rows: int) -> None:
        """Moves among the settings that were found."""
        self.post_message(self.Moved(rows))


class ChoiceList(OptionList):
    """The choices of a row, each with its explanation in a line. Typing narrows the list, as in the list of presets."""

    DEFAULT_CSS = """
    ChoiceList {
        position: absolute;
        overlay: screen;
        constrain: inside inside;
        max-width: 94vw;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        border: round $accent;
        border-title-color: $foreground;
        border-title-style: bold;
        border-subtitle-color: $dim;
        background: $surface;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    ChoiceList:focus { border: round $accent; background-tint: $foreground 0%; }
    ChoiceList.-ascii, ChoiceList.-ascii:focus { border: ascii $accent; }
    ChoiceList > .option-list--option-highlighted { background: $cursor-line; text-style: $chosen; }
    ChoiceList:focus > .option-list--option-highlighted {
        background: $cursor-line; color: $foreground; text-style: $chosen;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear_or_leave", show=False)]

    class Left(Message):
        """The list has been left without a choice."""

    class Narrowed(Message):
        """The list has another number of choices now."""

    def __init__(self, row: Row, mark: str) -> None:
        """mark: the character before the present choice."""
        self._choices = [(label, wording(label), help) for label, help in row.choices]
        self._chosen, self._mark, self._typed = row.chosen, mark, ""
        self._widest = max(len(name) for _, name, _ in self._choices)
        super().__init__(*self._found_options())
        labels = [label for label, _ in row.choices]
        self.highlighted = labels.index(row.chosen) if row.chosen in labels else 0
        widest_line = 4 + 2 + self._widest + 2 + max(len(help) for _, help in row.choices) + 1
        self.wanted_width = max(widest_line, len(HOW_TO_NARROW) + EDGE_CELLS)
        self.full_height = len(labels) + 2
        self.border_subtitle = HOW_TO_NARROW

    def on_mount(self) -> None:
        glyphs = getattr(self.app, "glyphs", None)
        self.set_class(glyphs is not None and glyphs.ascii, "-ascii")

    @property
    def wanted_height(self) -> int:
        """Lines for the choices that match what is typed."""
        return max(self.option_count, 1) + 2

    def _found_options(self) -> list[Option]:
        """The choices that match all typed words; those whose name begins with them come first."""
        if is_range(self._typed):
            return [Option(_line(" ", self._typed, "search these: space then starts a search", 0), id=self._typed)]
        found = narrowed([(name, help) for _, name, help in self._choices], self._typed)
        return [self._option(*self._choices[number]) for number in found]

    def _option(self, label: str, name: str, help: str) -> Option:
        line = _line(self._mark if label == self._chosen else " ", name, help, self._widest)
        if words := [re.escape(word) for word in self._typed.split()]:
            line.highlight_regex(f"(?i:{'|'.join(words)})", "underline")
        return Option(line, id=label)

    def action_clear_or_leave(self) -> None:
        """Shows all choices again; if all are shown, closes the list without a choice."""
        if self._typed:
            self._narrow("")
        else:
            self.leave()

    def leave(self) -> None:
        """Closes the list without a choice."""
        self.post_message(self.Left())

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether the key narrows the list, so that it is no action of the screen."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Narrows the list by what is typed."""
        if event.key == "backspace":
            typed = self._typed[:-1]
        elif event.is_printable and event.character:
            typed = f"{self._typed}{event.character}".lstrip()
        else:
            return
        event.stop()
        event.prevent_default()
        self._narrow(typed)

    def on_paste(self, event: events.Paste) -> None:
        """Narrows the list by what is pasted."""
        event.stop()
        self._narrow(self._typed + " ".join(event.text.split()))

    def _narrow(self, typed: str) -> None:
        self._typed = typed
        options = self._found_options()
        self.set_options(options)
        labels = [option.id for option in options]
        here = labels.index(self._chosen) if not typed and self._chosen in labels else 0
        self.highlighted = here if options else None
        self.border_title = Text(typed).markup
        self.border_subtitle = "no choice of that name" if not options else "" if typed else HOW_TO_NARROW
        self.post_message(self.Narrowed())

    def on_blur(self, _: events.Blur) -> None:
        """A click elsewhere closes the list without a choice."""
        if self.is_attached and self.screen.focused is not self:
            self.leave()


def _line(mark: str, label: str, help: str, widest: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{mark} ")
    line.append(f"{label:<{widest}}  ", "bold")
    line.append(help, "dim")
    return line
