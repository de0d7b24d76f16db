"""Chooses one or several things from a list that typing narrows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.ui.dialogs.dialog import Dialog, Result
from workbench.ui.look.styled_app import StyledApp

NAME_CELLS = 30
Choice = tuple[str, str, str]
"""What is chosen: a key, its name, and more about it."""


class FieldWithoutSpace(Input):
    """A field above a list: space is a key of the dialog."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key != "space" and super().check_consume_key(key, character)


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
        self.chosen = set(chosen)
        """Keys."""
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
        self._listed = [each for each in self._choices if all(word in f"{each[1]} {each[2]}".lower() for word in words)]
        self._show(0)

    def _show(self, highlighted: int) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(Option(self._row(each), id=str(place)) for place, each in enumerate(self._listed))
        choices.highlighted = highlighted if self._listed else None

    def _row(self, choice: Choice) -> Text:
        palette, glyphs = self.app.palette, self.app.glyphs
        key, name, about = choice
        is_chosen = key in self.chosen
        return Text.assemble(
            (f"{glyphs.done if is_chosen else ' '} ", palette["accent"]),
            (f"{name:<{NAME_CELLS}} ", palette["strong" if is_chosen else "text"]),
            (about, palette["dim"]),
        )

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
    """Dismisses with the keys of all that are chosen, in the order of the list; none: the usual ones."""

    FIELD = FieldWithoutSpace
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "done", "show these", show=True),
        Binding("space", "choose", "choose", show=True, priority=True),
        Binding("delete", "none", "the usual ones", show=True, priority=True),
    ]

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Chooses what is under the cursor, or no longer."""
        if self.highlighted is not None:
            self.chosen ^= {self.highlighted[0]}
            self._show(self._listed.index(self.highlighted))

    def action_none(self) -> None:
        """Dismisses with none: the usual ones are shown."""
        self.dismiss([])

    def action_done(self) -> None:
        """Dismisses with all that are chosen."""
        self.dismiss([key for key, _, _ in self._choices if key in self.chosen])
