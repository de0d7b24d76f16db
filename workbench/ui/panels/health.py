"""The health of each layer over time: gradients, weights and activations as shades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import set_cell_size
from rich.text import Text
from textual.actions import SkipAction
from textual.binding import Binding, BindingType

from workbench.advice.layer_words import layer_words
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Health
from workbench.ui.look.shades import Shades
from workbench.ui.panels.health_map import QUANTITIES, HealthMap
from workbench.ui.panels.scrolling import ScrollingPanel
from workbench.units import count

EXPECTED = (
    "the gradients, weights and activations of each layer appear here as shades over time; the trainer measures them "
    "between two epochs (runtime.measure)"
)
MOST_NAME_CELLS = 28
VALUE_CELLS = 8
MOST_LOOK_CELLS = 4
"""A look takes at most this many cells, so that the first one is no bar."""
LEGEND_CELLS = 8
CURSOR = "^"
"""Below the look whose values are shown."""


class HealthPanel(ScrollingPanel):
    """A row for each layer, a column for each look at the network; a key switches between the quantities."""

    KEYS = (("b", "gradients, weights, activations"), ("left right", "read values"), ("m", "maximise"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "next_quantity", show=False),
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("escape", "no_cursor", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None
        self._look: Health | None = None
        self._shown = QUANTITIES[0]
        self._map: HealthMap | None = None
        """None before the first look."""
        self._words: dict[str, str] = {}
        """The layers in trouble at the latest look, and in which."""
        self._cursor: int | None = None
        """The look whose values are shown; None: the latest."""

    def show(self, history: RunHistory | None) -> None:
        """Shows a run. Only another look at the network changes the picture."""
        look = None if history is None else history.view.health
        if history is self._history and look is self._look:
            return
        if history is not self._history:
            self._cursor = None
        self._history, self._look = history, look
        self._renew()

    def _renew(self) -> None:
        history, look = self._history, self._look
        self._map, self._words = None, {}
        if history is not None and look is not None:
            prepared = history.view.prepared
            scales_loss = prepared is not None and prepared.precision == "fp16"
            self._map = HealthMap.of(history.layers, self._shown)
            if self._cursor is not None:
                self._cursor = min(self._cursor, len(self._map.steps) - 1)
            self._words = layer_words(look, scales_loss=scales_loss)[self._shown.quantity]
        self.redraw()

    def heading(self) -> Text:
        text = Text("health", self.style_of("strong"))
        if self._map is not None:
            text.append(f"  {self._shown.title} by layer", self.style_of("accent"))
        for word in dict.fromkeys(self._words.values()):
            many = list(self._words.values()).count(word)
            text.append(f"  {self.glyphs.warning} {many} {word}", self.style_of("warning"))
        return text

    def footing(self) -> Text:
        """The scale of the shades, behind the numbers of lines out of sight."""
        hidden, shown = super().footing(), self._map
        if shown is None or not shown.values:
            return hidden
        dim, shades = self.style_of("dim"), Shades(self.app)
        legend = Text.assemble((f"{self._shown.write(shown.low)} ", dim))
        for cell in range(LEGEND_CELLS):
            legend.append(*shades.cell(cell / (LEGEND_CELLS - 1)))
        scale = "" if self._shown.is_fraction else ", log"
        legend.append(f" {self._shown.write(shown.high)}{scale}", dim)
        return Text.assemble(hidden, "  ", legend) if hidden else legend

    def content(self, width: int, height: int) -> list[Text]:
        if self._map is None or not self._map.values:
            return super().content(width, height)
        # The axis stays in sight while the layers are scrolled.
        return [*super().content(width, height - 1), self._axis(self._map, _Columns.of(self._map, width, self._words))]

    def all_lines(self, width: int) -> list[Text]:
        shown = self._map
        if shown is None:
            return self.placeholder(EXPECTED, width)
        if not shown.values:
            return self.placeholder(f"this network has no layer with a {self._shown.title} fraction", width)
        columns, shades = _Columns.of(shown, width, self._words), Shades(self.app)
        return [self._row(name, shown, columns, shades) for name in shown.values]

    def _row(self, name: str, shown: HealthMap, columns: _Columns, shades: Shades) -> Text:
        """A layer: its name, its shades over time, its value, and its trouble in a word."""
        values, word = shown.values[name], self._words.get(name, "")
        fractions = [None if value is None else shown.fraction(value) for value in values]
        line = Text(set_cell_size(self.glyphs.cut(_short(name), columns.name), columns.name + 1), self.style_of("dim"))
        line.append_text(shades.row([fractions[columns.look_at(cell)] for cell in range(columns.used)]))
        line.pad_right(columns.map - columns.used + 1)
        value = values[-1 if self._cursor is None else self._cursor]
        line.append(f"{'' if value is None else shown.shown.write(value):>{VALUE_CELLS}}", self.style_of("text"))
        if word and self._cursor is None:
            line.append(f"  {self.glyphs.warning} {word}", self.style_of("warning"))
        return line

    def _axis(self, shown: HealthMap, columns: _Columns) -> Text:
        """The steps of the first and the last look below them, or of that under the cursor."""
        dim, left = self.style_of("dim"), " " * (columns.name + 1)
        if self._cursor is not None:
            place = columns.cell_of(self._cursor)
            step = count(shown.steps[self._cursor])
            return Text.assemble(left, " " * place, (f"{CURSOR} step {step}", self.style_of("text")))
        first, last = f"step {count(shown.steps[0])}", count(shown.steps[-1])
        gap = columns.used - len(first) - len(last)
        return Text(f"{left}{first}{' ' * gap}{last}" if gap > 0 else f"{left}step {last}", dim)

    def action_next_quantity(self) -> None:
        """Shows the next of the quantities."""
        self._shown = QUANTITIES[(QUANTITIES.index(self._shown) + 1) % len(QUANTITIES)]
        self._renew()

    def action_move(self, looks: int) -> None:
        """Moves the cursor to another look; it first appears at the latest."""
        if self._map is None:
            return
        last = len(self._map.steps) - 1
        self._cursor = last if self._cursor is None else min(max(self._cursor + looks, 0), last)
        self.redraw()

    def action_no_cursor(self) -> None:
        """Removes the cursor. Without one, the key is the screen's."""
        if self._cursor is None:
            raise SkipAction
        self._cursor = None
        self.redraw()


@dataclass(frozen=True)
class _Columns:
    """Cells of the parts of a row."""

    name: int
    map: int
    """Room for the shades."""
    looks: int
    look: int
    """Cells of a look; 0 where there are more looks than cells."""

    @classmethod
    def of(cls, shown: HealthMap, width: int, words: Mapping[str, str]) -> _Columns:
        """The columns of a panel of `width` cells."""
        trouble = max((len(word) + 4 for word in words.values()), default=0)
        name = min(max(map(len, map(_short, shown.values))), MOST_NAME_CELLS, max(width // 3, 1))
        room = max(width - name - 2 - VALUE_CELLS - trouble, 1)
        return cls(name, room, len(shown.steps), min(room // len(shown.steps), MOST_LOOK_CELLS))

    @property
    def used(self) -> int:
        """Cells of all looks."""
        return self.look * self.looks or self.map

    def look_at(self, cell: int) -> int:
        """The look that a cell shows."""
        return cell * self.looks // self.used

    def cell_of(self, look: int) -> int:
        """The first cell of a look."""
        return look * self.used // self.looks


def _short(name: str) -> str:
    """A parameter's name without what nearly all have."""
    return name.removesuffix(".weight")
