"""A chart: the curves of one quantity, with a legend in its border and a cursor that reads values."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import ClassVar

from rich.style import Style
from rich.text import Text

from workbench.plotting.quantities import Quantity
from workbench.runs.history import RunHistory
from workbench.ui.keys.copying import Copied
from workbench.ui.live.overlays import Overlay
from workbench.ui.look.chart import Drawing, draw
from workbench.ui.panels.chart_curves import (
    MARKERS,
    MOST_SMOOTHING,
    SMOOTHED,
    ChartCurves,
    ChartView,
    Reading,
)
from workbench.ui.panels.chart_legend import MOST_OF_HEIGHT, drawn, labels_of, legend_lines, letters_of, split_of
from workbench.ui.panels.chart_movement import MovableChart
from workbench.ui.panels.chart_table import points_of, values_at_cursor
from workbench.ui.panels.panel import EDGE_CELLS
from workbench.ui.panels.x_axis import written_x
from workbench.units import age_in_words

DASHED_SAMPLE = "╍"
SLIDER_CELLS = 9
TOLD_BY_COLOUR = 2
"""Of more curves, names are written in the colour of text, each after a sample of its curve."""
GREYS = {"train": "phase-data", "validation": "dim", "warning": "dim"}
"""The styles of a run that is shown in grey."""
NOTES_FRACTION = 0.6
"""Of a chart's height, that values at the cursor may cover."""
NAME_LETTERS = (None, 5, 1)
"""How many letters of each curve's name a border shows: the first number that fits. None: all."""


class ChartPanel(MovableChart):
    """One chart. The focused one has a cursor that reads values."""

    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("left right", "read values"),
        ("up down", "curve in front"),
        ("+ -", "zoom"),
        ("< >", "pan"),
        (", .", "smooth"),
        ("L", "log scale"),
        ("^", "outliers"),
        ("e", "x axis"),
        ("V", "more charts"),
        ("C", "choose"),
        ("enter", "maximise"),
    )

    def __init__(self, quantity: Quantity) -> None:
        super().__init__(id=quantity.id)
        self._quantity = quantity
        self._history: RunHistory | None = None
        self._is_ghost = False
        self._overlays: Sequence[Overlay] = ()
        self._own_label = ""

    def show(
        self,
        history: RunHistory | None,
        view: ChartView,
        overlays: Sequence[Overlay] = (),
        own_label: str = "",
        ghost: RunHistory | None = None,
    ) -> None:
        """Shows a run, and others that it overlays.

        own_label: what tells the run from those. ghost: the last run, in grey where there is no other.
        """
        self._is_ghost = history is None and not overlays and ghost is not None
        self._history, self._view = ghost if self._is_ghost else history, view
        self._overlays, self._own_label = overlays, own_label
        self.redraw()

    def style_of(self, name: str) -> Style:
        return super().style_of(GREYS.get(name, name) if self._is_ghost else name)

    @property
    def quantity(self) -> Quantity:
        """The quantity of the chart."""
        return self._quantity

    def heading(self) -> Text:
        """The title, and the latest values as the legend; shorter names where the panel is narrow."""
        legends = [self._legend(letters) for letters in NAME_LETTERS]
        return self.first_fitting([*legends, self._title()] if self._is_ghost else legends)

    def _title(self) -> Text:
        last = "  last run" if self._is_ghost else ""
        return Text.assemble((self.quantity.title, self.style_of("strong")), (last, self.style_of("dim")))

    def _legend(self, letters: int | None) -> Text:
        """letters: how many of each name; None: all, after a sample of the curve."""
        text = Text.assemble((self.quantity.title, self.style_of("strong")))
        if self._is_ghost:
            text.append("  last" if letters == 1 else "  last run", self.style_of("dim"))
        drawn_ends = {} if self._curves is None else self._curves.drawn_ends
        for number, (name, key, style) in enumerate(self.quantity.curves):
            curve = None if self._history is None else self._history.curves.get(key)
            if curve is None or curve.last is None:
                continue
            is_one_of_many = len(self.quantity.curves) > TOLD_BY_COLOUR
            shows_sample = name and (letters is None or self.app.no_color or is_one_of_many)
            sample = f"{self._sample(number)} " if shows_sample else ""
            shown = f"{self._short(name, letters)} " if name else ""
            end = drawn_ends.get(key, curve.last)
            text.append(f"  {sample}", self.style_of(style))
            text.append(f"{shown}{self._latest(end)}", self.style_of("text" if is_one_of_many else style))
            if letters is None and (last := self._latest(curve.last)) != self._latest(end):
                text.append(f" (last {last})", self.style_of("dim"))
        if self._is_maximised:  # all of it stands below
            return text
        return text.append_text(letters_of(self, self._beside, gap=" " if letters == 1 else "  "))

    @property
    def _beside(self) -> list[Overlay]:
        """The overlaid runs that are drawn."""
        return drawn(self.quantity, self._overlays)

    @property
    def _is_maximised(self) -> bool:
        return self.screen.has_class("-maximised")

    def _sample(self, number: int) -> str:
        """A character that shows how the curve is drawn."""
        if self.glyphs.ascii:
            return MARKERS[number]
        return DASHED_SAMPLE if number and self.app.no_color else self.glyphs.sample

    def _short(self, name: str, letters: int | None) -> str:
        """The first letters of an own curve's name; all where another one has the same."""
        own = [each for each, _, _ in self.quantity.curves]
        is_cut = name in own and not any(each != name and each[:letters] == name[:letters] for each in own)
        return name[:letters] if is_cut else name

    def _latest(self, value: float) -> str:
        """The latest value; percentages have one digit less, because the title has little room."""
        if self.quantity.is_percent and math.isfinite(value):
            return f"{100 * value:.1f}"
        return self._written(value)

    def _shortest(self, value: float) -> str:
        """The value in three digits, for when overlaid runs leave no room for more."""
        return f"{value:.3g}" if math.isfinite(value) and not self.quantity.is_percent else self._latest(value)

    def _written(self, value: float) -> str:
        return self.quantity.write(value) if math.isfinite(value) else f"{value}".replace("nan", "NaN")

    def footing(self) -> Text:
        if self._view.cursor is not None and self._curves is not None and self._drawing.columns:
            return self._read_at_cursor(self._curves) or self._reading([], None, unit=True)
        states = [Text("  ".join(parts), self.style_of("dim")) for parts in self._states()]
        if not self._beside:
            return self.first_fitting(states)
        if self._is_maximised:
            split = Text(split_of(self.quantity), self.style_of("dim"))
            return self.first_fitting(Text("  ").join(filter(None, (split, state))) for state in states)
        labels = labels_of(self, self.quantity, self._beside, self._own_label)
        return self.first_fitting([Text("  ").join((labels[0], states[0])), *labels, *states])

    def _states(self) -> Iterator[list[str]]:
        """How the chart is shown; then, for where there is less room, only what is not usual."""
        log = [self._ago()] if self._is_ghost else []
        log += ["log"] if self._view.is_log(self.quantity) else []
        rest = [] if self._view.x_axis == "step" else [f"by {self._view.x_axis}"]
        rest += ["all values"] if self._view.all_values else []
        rest += [f"{self._curves.front} in front"] if self._curves is not None and self._curves.front else []
        rest += self._part_shown()
        best = [best] if (best := self._best()) else []
        smoothing = self._view.smoothing
        if self._is_smoothed and (smoothing or (self.has_focus and self._history is not None)):
            yield [*log, f"smooth {self._slider()} {smoothing:.1f}", *rest, *best]
            yield [*log, f"smooth {smoothing:.1f}", *rest, *best]
        yield [*log, *rest, *best]
        yield [*log, *rest]

    def _part_shown(self) -> list[str]:
        """How much of the whole is shown, and how closely the run was kept there."""
        if self._curves is None or self._curves.x_range == self._curves.extent.whole:
            return []
        first, last = self._curves.x_range
        end = self._curves.extent.whole[1]
        factor = end / (last - first)
        parts = [f"{factor:.{1 if factor < 10 else 0}f}".removesuffix(".0") + self.glyphs.times]
        run = self._curves.history.view
        grows = run.step > 0 and run.finished is None
        if self._view.window is not None and self._view.window.follows and grows:
            parts[0] += " follows"
        if (steps := self._curves.steps_per_point) > 1:
            parts.append(f"{steps:,} steps a point")
        return parts

    def _ago(self) -> str:
        """How long ago the run ended."""
        finished = None if self._history is None else self._history.view.finished
        return "some time ago" if finished is None else f"{age_in_words(time.time() - finished.time)} ago"

    @property
    def _is_smoothed(self) -> bool:
        return any(key == SMOOTHED for _, key, _ in self.quantity.curves)

    def _slider(self) -> str:
        place = round(self._view.smoothing / MOST_SMOOTHING * (SLIDER_CELLS - 1))
        rest = self.glyphs.rest
        return f"{rest * place}{self.glyphs.dot}{rest * (SLIDER_CELLS - 1 - place)}"

    def _best(self) -> str:
        best, metric = None if self._history is None else self._history.best, self.quantity.metric
        if metric is None or not metric.is_fraction or best is None or not best.validation:
            return ""
        value = best.validation.get(metric.name)
        return "" if value is None else f"best {metric.number(value)} at epoch {best.epoch:,}"

    def content(self, width: int, height: int) -> list[Text]:
        history = self._history
        self._curves, self._drawing = None, Drawing([])
        if history is None and self._overlays:
            history = RunHistory()
        has_curve = history is not None and any(key in history.curves for _, key, _ in self.quantity.curves)
        if history is None or not (has_curve or self._overlays):
            what = self.quantity.title.removesuffix(" %")
            trains = history is not None and history.view.step > 0
            when = "at the end of an epoch" if trains else "once training is under way"
            return self.placeholder(f"{what} appears here {when}", width)
        self._curves = ChartCurves(self.quantity, history, self._overlays, self._view, self.app.no_color, width)
        most = height // MOST_OF_HEIGHT if self._is_maximised else 0
        legend = legend_lines(self, self._curves, self._overlays, self._own_label, most)
        notes = [] if legend else self._notes(self._curves, max(int(height * NOTES_FRACTION), 2))
        plot = replace(self._curves.plot(ascii=self.glyphs.ascii), notes=notes)
        self._drawing = draw(plot, width, height - len(legend), self.style_of)
        return self._drawing.lines + legend

    def copyable(self) -> Copied | None:
        """The values at the cursor; without one, the points of all curves."""
        if (curves := self._curves) is None:
            return None
        if curves.readings:
            return Copied("the values at the cursor", values_at_cursor(curves, self.quantity.title))
        return Copied(f"the points of {self.quantity.title}", points_of(curves, self.quantity.title))

    def _read_at_cursor(self, curves: ChartCurves) -> Text | None:
        """The value of each curve at the cursor, in as many words as the border has room for; None: in none."""
        texts = (self._reading(curves.readings, *how) for how in product(NAME_LETTERS, (True, False)))
        return next((text for text in texts if text.cell_len <= self.size.width - EDGE_CELLS), None)

    def _reading(self, readings: Sequence[Reading], letters: int | None, unit: bool) -> Text:
        """The values as they are drawn and as they were measured.

        letters: how many of each name; None: all. unit: whether to name the unit of x.
        """
        assert self._view.cursor is not None
        gap, write = (" ", self._shortest) if letters == 1 and self._overlays else ("  ", self._written)
        text = Text(written_x(self._view.x_axis, self._view.cursor, with_name=unit), self.style_of("text"))
        for each in readings:
            name = self._short(each.curve.name, letters) or self.quantity.title
            text.append(f"{gap}{name} {write(each.value)}", self.style_of(each.curve.style))
            if letters is None and (raw := write(each.raw)) != write(each.value):
                text.append(f" (raw {raw})", self.style_of("dim"))
        return text

    def _notes(self, curves: ChartCurves, most: int) -> list[tuple[str, str]]:
        """The values at the cursor as at most `most` lines within the chart, the highest first.

        None where the border has room for them.
        """
        if not curves.readings or self._read_at_cursor(curves) is not None:
            return []
        shown = curves.readings if len(curves.readings) <= most else curves.readings[: most - 1]
        more = len(curves.readings) - len(shown)
        readings = sorted(shown, key=lambda each: (math.isfinite(each.value), each.value), reverse=True)
        named = [(each.curve.name or self.quantity.title, each) for each in readings]
        lines = [(f"{name} {self._written(each.value)}", each.curve.style) for name, each in named]
        return [*lines, (f"{more} more", "dim")] if more else lines
