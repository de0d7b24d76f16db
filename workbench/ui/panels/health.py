"""The health of each layer over time: gradients, weights and activations as shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.actions import SkipAction
from textual.binding import Binding, BindingType

from workbench.runs.history import RunHistory
from workbench.runs.measurements import Health
from workbench.ui.look.shades import Shades
from workbench.ui.panels.scrolling import ScrollingPanel
from workbench.units import count

if TYPE_CHECKING:  # imported when the page is first seen, not before the first paint
    from workbench.ui.panels.health_columns import Columns
    from workbench.ui.panels.health_map import HealthMap

EXPECTED = (
    "the gradients, weights and activations of each layer appear here as shades over time; the trainer measures them "
    "between two epochs (runtime.measure)"
)
LEGEND_CELLS = 7
CURSOR = "^"
"""Below the look whose values are shown."""


class HealthPanel(ScrollingPanel):
    """A row for each layer, a column for each look at the network.

    Where there is room, all metrics are shown; else one, and a key switches between them.
    """

    KEYS = (("b", "next metric"), ("left right", "read values"), ("m", "maximise"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "next_metric", "next metric", show=False),
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("shift+left", "move(-10)", show=False),
        Binding("shift+right", "move(10)", show=False),
        Binding("escape", "no_cursor", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None
        self._look: Health | None = None
        self._maps_of_look: tuple[HealthMap, ...] | None = ()
        """One of each metric; empty before the first look. None: not computed yet, as nobody has looked at them."""
        self._chosen = 0
        """The metric that is shown where there is no room for all."""
        self._cursor: int | None = None
        """The look whose values are shown; None: the latest."""

    def show(self, history: RunHistory | None) -> None:
        """Shows a run. Only another look at the network changes the picture."""
        look = None if history is None else history.view.health
        if history is self._history and look is self._look:
            return
        if history is not self._history:
            self._cursor = None
        self._history, self._look, self._maps_of_look = history, look, None
        self.redraw()

    @property
    def _maps(self) -> tuple[HealthMap, ...]:
        if self._maps_of_look is None:
            self._maps_of_look = ()
            if self._history is not None and self._look is not None:
                from workbench.advice.layer_words import layer_words
                from workbench.ui.panels.health_map import LAYER_METRICS, HealthMap

                prepared, layers = self._history.view.prepared, self._history.layers
                words = layer_words(self._look, scales_loss=prepared is not None and prepared.precision == "fp16")
                self._maps_of_look = tuple(HealthMap.of(layers, each, words[each.name]) for each in LAYER_METRICS)
            if self._cursor is not None:
                self._cursor = min(self._cursor, self._looks - 1) if self._looks else None
        return self._maps_of_look

    @property
    def _looks(self) -> int:
        return len(self._maps[0].steps) if self._maps else 0

    @property
    def _shown(self) -> Sequence[HealthMap]:
        """All metrics that the network has, if they fit with a title each and a blank line between; else one."""
        there = [each for each in self._maps if each.values]
        lines = sum(len(each.values) + 2 for each in there)  # the last blank line is the axis
        return there if lines <= self.size.height - 2 else self._maps[self._chosen : self._chosen + 1]

    def heading(self) -> Text:
        text, shown = Text("health", self.style_of("strong")), self._shown
        if len(shown) == 1:
            text.append(f"  {shown[0].metric.title}", self.style_of("accent"))
        words = [word for each in shown for word in each.words.values()]
        for word in dict.fromkeys(words):
            text.append(f"  {self.glyphs.warning} {words.count(word)} {word}", self.style_of("warning"))
        return text

    def footing(self) -> Text:
        """The scale of the shades, behind the numbers of lines out of sight."""
        hidden, shown = super().footing(), self._shown
        if len(shown) != 1 or not shown[0].values:
            return hidden
        return Text("  ").join(part for part in (hidden, self._legend(shown[0])) if part)

    def _legend(self, shown: HealthMap) -> Text:
        dim = self.style_of("dim")
        shades = Shades(self.app).row(cell / (LEGEND_CELLS - 1) for cell in range(LEGEND_CELLS))
        low, high = shown.metric.write(shown.low), shown.metric.write(shown.high)
        return Text.assemble((f"{low} ", dim), shades, (f" {high}{'' if shown.metric.is_fraction else ', log'}", dim))

    def content(self, width: int, height: int) -> list[Text]:
        shown = self._shown
        if not any(each.values for each in shown):
            return super().content(width, height)
        # The axis stays in sight while the layers are scrolled.
        axis = self._axis(shown[0], self._columns(shown, width))
        return [*super().content(width, height - 1), axis]

    def _columns(self, shown: Sequence[HealthMap], width: int) -> Columns:
        from workbench.ui.panels.health_columns import Columns

        return Columns.of(shown, width)

    def all_lines(self, width: int) -> list[Text]:
        shown = self._shown
        if not shown:
            return self.placeholder(EXPECTED, width)
        if not any(each.values for each in shown):
            return self.placeholder("no activation of this network can be dead or saturated", width)
        columns, shades, lines = self._columns(shown, width), Shades(self.app), list[Text]()
        for number, each in enumerate(shown):
            if len(shown) > 1:
                title = Text.assemble((each.metric.title, self.style_of("accent")), "  ", self._legend(each))
                lines += [Text(), title] if number else [title]
            lines += [self._row(name, each, columns, shades) for name in each.values]
        return lines

    def _row(self, name: str, shown: HealthMap, columns: Columns, shades: Shades) -> Text:
        """A layer: its name, its shades over time, its value, and its trouble in a word."""
        values, word = shown.values[name], shown.words.get(name, "")
        fractions = [None if value is None else shown.fraction(value) for value in values]
        line = Text(columns.fitted(name, self.glyphs), self.style_of("dim"))
        line.append_text(shades.row(fractions[columns.look_at(cell)] for cell in range(columns.used)))
        value = values[-1 if self._cursor is None else self._cursor]
        line.append(f" {'' if value is None else shown.metric.write(value):>{columns.value}}", self.style_of("text"))
        if word and self._cursor is None:
            line.append(f"  {self.glyphs.warning} {word}", self.style_of("warning"))
        return line

    def _axis(self, shown: HealthMap, columns: Columns) -> Text:
        """Below the looks, the steps of the first and of the last, or of that under the cursor."""
        start = columns.name + 1
        if self._cursor is not None:
            said = f"{CURSOR} step {count(shown.steps[self._cursor])}"
            return Text(" " * (start + columns.cell_of(self._cursor)) + said, self.style_of("text"))
        first, last = f"step {count(shown.steps[0])}", count(shown.steps[-1])
        gap = columns.used - len(first) - len(last)
        said = f"{first}{' ' * gap}{last}" if gap > 0 else f"step {last}"
        return Text(" " * start + said, self.style_of("dim"))

    def action_next_metric(self) -> None:
        """Shows the next metric."""
        self._chosen = (self._chosen + 1) % max(len(self._maps), 1)
        self.redraw()

    def action_move(self, looks: int) -> None:
        """Moves the cursor to another look; it first appears at the latest."""
        if self._looks:
            last = self._looks - 1
            self._cursor = last if self._cursor is None else min(max(self._cursor + looks, 0), last)
            self.redraw()

    def action_no_cursor(self) -> None:
        """Removes the cursor. Without one, the key is the screen's."""
        if self._cursor is None:
            raise SkipAction
        self._cursor = None
        self.redraw()
