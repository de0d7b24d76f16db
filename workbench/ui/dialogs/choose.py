"""Chooses one or several things from a list that typing narrows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.ui.dialogs.dialog import Dialog, Result
from workbench.ui.look.styled_app import StyledApp

NAME_CELLS = 30
Choice = tuple[str, str, str]
"""What is chosen: a key, its name, and more about it."""


class ChoosingField(Input):
    """A field in which a blank chooses: what was typed before it has narrowed the list by then."""

    class Chosen(Message):
        """The user chooses what is under the cursor."""

    def on_key(self, event: Key) -> None:
        if event.key == "space":
            event.prevent_default()
            event.stop()
            self.post_message(self.Chosen())


class ChooseDialog(Dialog[Result]):
    """A list, narrowed by what is typed above it; one line under the cursor."""

    app: StyledApp
    DEFAULT_CSS = """
    ChooseDialog > #box { width: 72; }
    ChooseDialog OptionList { margin: 1 0 0 0; max-height: 60vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]
    FIELD: ClassVar[type[Input]] = Input

    def __init__(self, title: str, choices: Sequence[Choice], chosen: Sequence[str]) -> None:
        """chosen: the keys that are chosen at first."""
        super().__init__()
        self.title_text = title
        self._choices = choices
        self.chosen = list(chosen)
        """Keys, in the order in which they were chosen."""
        self._listed: list[Choice] = []

    def body(self) -> Iterable[Widget]:
        yield self.FIELD(placeholder="type to narrow the list", id="filter")
        yield OptionList(id="choices")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).can_focus = False
        self._narrow()
        keys = [key for key, _, _ in self._listed]
        self._show(next((place for place, key in enumerate(keys) if key in self.chosen), 0))
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _narrow(self) -> None:
        words = self.query_one(Input).value.lower().split()
        self._listed = [each for each in self._choices if all(word in each[1].lower() for word in words)]
        self._show(0)

    def _show(self, highlighted: int) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(Option(self._row(each), id=str(place)) for place, each in enumerate(self._listed))
        choices.highlighted = highlighted if self._listed else None

    def _row(self, choice: Choice) -> Text:
        palette = self.app.palette
        key, name, about = choice
        return Text.assemble(
            (f"{self.mark_of(key)} ", palette["accent"]),
            (f"{name:<{NAME_CELLS}} ", palette["strong" if key in self.chosen else "text"]),
            (about, palette["dim"]),
        )

    def mark_of(self, key: str) -> str:
        """What stands before a choice: whether it is chosen."""
        return self.app.glyphs.done if key in self.chosen else " "

    @property
    def highlighted(self) -> Choice | None:
        """What is under the cursor."""
        place = self.query_one(OptionList).highlighted
        return None if place is None or place >= len(self._listed) else self._listed[place]

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_done()

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        choices = self.query_one(OptionList)
        if self._listed:
            choices.highlighted = ((choices.highlighted or 0) + rows) % len(self._listed)

    def action_done(self) -> None:
        """Dismisses with what is chosen."""
        raise NotImplementedError


class ChooseOneDialog(ChooseDialog[str]):
    """Dismisses with the key of what is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "done", "choose", show=True)]

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.action_done()

    def action_done(self) -> None:
        """Chooses what is under the cursor."""
        if self.highlighted is not None:
            self.dismiss(self.highlighted[0])


class ChooseSeveralDialog(ChooseDialog[list[str]]):
    """Dismisses with the keys of all that are chosen, in the order in which they were; none: the usual ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "done", "show these", show=True),
        Binding("space", "choose", "choose", show=True),
        Binding("delete", "none", "the usual ones", show=True, priority=True),
    ]
    FIELD = ChoosingField

    @on(ChoosingField.Chosen)
    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Chooses what is under the cursor, or no longer."""
        if (choice := self.highlighted) is not None:
            if choice[0] in self.chosen:
                self.chosen.remove(choice[0])
            else:
                self.chosen.append(choice[0])
            self._show(self._listed.index(choice))

    def action_none(self) -> None:
        """Chooses none: the usual ones are shown."""
        self.chosen.clear()
        self._show(self.query_one(OptionList).highlighted or 0)

    def action_done(self) -> None:
        """Dismisses with all that are chosen."""
        self.dismiss(self.chosen)
