"""Chooses the quantities that the charts show, from a list that typing narrows."""

from __future__ import annotations

import math
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

from workbench.plotting.quantities import Quantity
from workbench.runs.history import RunHistory
from workbench.ui.dialogs.dialog import Dialog
from workbench.ui.look.styled_app import StyledApp

NAME_CELLS = 30


class Filter(Input):
    """A field in which a blank chooses: what was typed before it has narrowed the list by then."""

    class Chosen(Message):
        """The user chooses what is under the cursor."""

    def on_key(self, event: Key) -> None:
        if event.key == "space":
            event.prevent_default()
            event.stop()
            self.post_message(self.Chosen())


class ChartsDialog(Dialog[list[str]]):
    """Dismisses with the ids of the chosen quantities, in the order in which they were chosen."""

    app: StyledApp
    title_text = "charts"
    DEFAULT_CSS = """
    ChartsDialog > #box { width: 72; }
    ChartsDialog OptionList { margin: 1 0 0 0; max-height: 60vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "done", "show these", show=True),
        Binding("space", "choose", "choose", show=True),
        Binding("ctrl+x", "none", "the usual ones", show=True, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, quantities: Sequence[Quantity], chosen: Sequence[str], history: RunHistory | None) -> None:
        """history: of the run whose latest values are shown."""
        super().__init__()
        self._quantities = quantities
        self._chosen = list(chosen)
        self._curves = {} if history is None else history.curves
        self._listed: list[Quantity] = []

    def body(self) -> Iterable[Widget]:
        yield Filter(placeholder="type to narrow the list", id="filter")
        yield OptionList(id="choices")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).can_focus = False
        places = {name: place for place, name in enumerate(self._chosen)}
        self._quantities = sorted(self._quantities, key=lambda each: places.get(each.id, len(places)))
        self._narrow()
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _narrow(self) -> None:
        words = self.query_one(Input).value.lower().split()
        self._listed = [each for each in self._quantities if all(word in each.full_name.lower() for word in words)]
        self._show(0)

    def _show(self, highlighted: int) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(Option(self._row(each), id=each.id) for each in self._listed)
        choices.highlighted = highlighted if self._listed else None

    def _row(self, quantity: Quantity) -> Text:
        palette, glyphs = self.app.palette, self.app.glyphs
        is_chosen = quantity.id in self._chosen
        place = f"{glyphs.done}{self._chosen.index(quantity.id) + 1:>3}" if is_chosen else ""
        return Text.assemble(
            (f"{place:<5} ", palette["accent"]),
            (f"{quantity.full_name:<{NAME_CELLS}} ", palette["strong" if is_chosen else "text"]),
            (self._latest(quantity), palette["dim"]),
        )

    def _latest(self, quantity: Quantity) -> str:
        """The latest value of each of its curves, with the curve's name."""
        last = [(name, self._curves[key].last) for name, key, _ in quantity.curves if key in self._curves]
        known = [(name, value) for name, value in last if value is not None and math.isfinite(value)]
        return "  ".join(f"{name} {quantity.write(value)}".strip() for name, value in known)

    @on(OptionList.OptionSelected)
    def _clicked(self, message: OptionList.OptionSelected) -> None:
        self._toggle(message.option_index)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_done()

    @on(Filter.Chosen)
    def action_choose(self) -> None:
        """Chooses the quantity under the cursor as the next one, or no longer."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self._toggle(highlighted)

    def _toggle(self, place: int) -> None:
        name = self._listed[place].id
        if name in self._chosen:
            self._chosen.remove(name)
        else:
            self._chosen.append(name)
        self._show(place)

    def action_none(self) -> None:
        """Chooses none: all are shown in their usual order."""
        self._chosen.clear()
        self._show(self.query_one(OptionList).highlighted or 0)

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        choices = self.query_one(OptionList)
        if self._listed:
            choices.highlighted = ((choices.highlighted or 0) + rows) % len(self._listed)

    def action_done(self) -> None:
        """Shows the chosen quantities first."""
        self.dismiss(self._chosen)
