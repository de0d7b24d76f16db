"""A chart: the curves of one quantity, with a legend in its border and a cursor that reads values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.plotting.quantities import Quantity
from workbench.runs.curve import Bucket
from workbench.runs.history import RunHistory
from workbench.ui.look.chart import Drawing, draw
from workbench.ui.panels.chart_curves import (
    MARKERS,
    OVERLAY_LETTERS,
    SMOOTHED,
    ChartCurves,
    ChartView,
    overlaid_curve,
)
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.x_axis import nearest, written_x, x_of

DASHED_SAMPLE = "╍"
SLIDER_CELLS = 9
NAME_LETTERS = (None, 5, 1)
"""How many letters of each curve's name a border shows: the first number that fits. None: all."""


class ChartPanel(Panel):
    """One chart. The focused one has a cursor that reads values."""

    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("left right", "read values"),
        (", .", "smooth"),
        ("L", "log scale"),
        ("e", "x axis"),
        ("V", "two or four charts"),
        ("enter", "maximise"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("pageup,shift+left", "move(-10)", show=False),
        Binding("pagedown,shift+right", "move(10)", show=False),
        Binding("home", "jump(0)", show=False),
        Binding("end", "jump(100000)", show=False),
        Binding("escape", "no_cursor", show=False),
        Binding("enter", "maximise", show=False),
    ]

    class Maximise(Message):
        """The user maximises this chart, or restores the others."""

    def __init__(self, quantity: Quantity) -> None:
        super().__init__(id=quantity.id)
        self._quantity = quantity
        self._history: RunHistory | None = None
        self._view = ChartView()
        self._overlays: Sequence[tuple[str, RunHistory]] = ()
        self._cursor: float | None = None
        """As a fraction of the canvas's width, so that it keeps its place when the panel is resized."""
        self._drawing = Drawing([])
        self._drawn_ends: dict[str, float] = {}
        """By curve: the value at which it ends as it is drawn, where it is smoothed."""

    def show(
        self, history: RunHistory | None, view: ChartView, overlays: Sequence[tuple[str, RunHistory]] = ()
    ) -> None:
        """Shows a run, and others that it overlays."""
        self._history, self._view, self._overlays = history, view, overlays
        self.redraw()

    @property
    def quantity(self) -> Quantity:
        """The quantity of the chart."""
        return self._quantity

    def heading(self) -> Text:
        """The title, and the latest values as the legend; shorter names where the panel is narrow."""
        return self.first_fitting(self._legend(letters) for letters in NAME_LETTERS)

    def _legend(self, letters: int | None) -> Text:
        """letters: how many of each name; None: all, after a sample of the curve."""
        text = Text.assemble((self.quantity.title, self.style_of("strong")))
        for number, (name, key, style) in enumerate(self.quantity.curves):
            curve = None if self._history is None else self._history.curves.get(key)
            if curve is None or curve.last is None:
                continue
            sample = f"{self._sample(number)} " if letters is None or self.app.no_color else ""
            shown = f"{sample}{name[:letters]} " if name else ""
            drawn = self._drawn_ends.get(key, curve.last)
            text.append(f"  {shown}{self._latest(drawn)}", self.style_of(style))
            if letters is None and (last := self._latest(curve.last)) != self._latest(drawn):
                text.append(f" (last {last})", self.style_of("dim"))
        for number, (_, history) in enumerate(self._overlays):
            if overlaid_curve(self.quantity, history) is not None:
                gap = " " if letters == 1 and number else "  "
                text.append(f"{gap}{OVERLAY_LETTERS[number]}", self.style_of(f"overlay-{number + 1}"))
        return text

    def _sample(self, number: int) -> str:
        """A character that shows how the curve is drawn."""
        if self.glyphs.ascii:
            return MARKERS[number]
        return DASHED_SAMPLE if number and self.app.no_color else self.glyphs.sample

    def _latest(self, value: float) -> str:
        """The latest value; percentages have one digit less, because the title has little room."""
        if self.quantity.is_percent and math.isfinite(value):
            return f"{100 * value:.1f}"
        return self._written(value)

    def _shortest(self, value: float) -> str:
        """The value in three digits, for when overlaid runs leave no room for more."""
        return f"{value:.3g}" if math.isfinite(value) and not self.quantity.is_percent else self._latest(value)

    def _written(self, value: float) -> str:
        return self.quantity.write(value) if math.isfinite(value) else "NaN"

    def footing(self) -> Text:
        if self._cursor is not None and self._history is not None and self._drawing.columns:
            x = self._drawing.x_of(self._cursor_column)
            named = ((letters, unit) for letters in NAME_LETTERS for unit in (True, False))
            return self.first_fitting(self._read_at_cursor(x, letters, unit) for letters, unit in named)
        parts = []
        if self._view.log and self.quantity.can_be_log:
            parts.append("log")
        if self._is_smoothed and (self._view.smoothing or (self.has_focus and self._history is not None)):
            parts.append(f"smooth {self._slider()} {self._view.smoothing:.1f}")
        if self._view.x_axis != "step":
            parts.append(f"by {self._view.x_axis}")
        if best := self._best():
            parts.append(best)
        return Text("  ".join(parts), self.style_of("dim"))

    @property
    def _is_smoothed(self) -> bool:
        return any(key == SMOOTHED for _, key, _ in self.quantity.curves)

    def _slider(self) -> str:
        place = round(self._view.smoothing / 0.9 * (SLIDER_CELLS - 1))
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
        if history is None and self._overlays:
            history = RunHistory()
        has_curve = history is not None and any(key in history.curves for _, key, _ in self.quantity.curves)
        if history is None or not (has_curve or self._overlays):
            what = self.quantity.title.removesuffix(" %")
            trains = history is not None and history.view.step > 0
            when = "at the end of an epoch" if trains else "once training is under way"
            return self.placeholder(f"{what} appears here {when}", width)
        plot, self._drawn_ends = self._curves(history).plot(width, cursor=self._cursor, ascii=self.glyphs.ascii)
        self._drawing = draw(plot, width, height, self.style_of)
        return self._drawing.lines

    def _curves(self, history: RunHistory) -> ChartCurves:
        return ChartCurves(self.quantity, history, self._overlays, self._view, self.app.no_color)

    def _read_at_cursor(self, x: float, letters: int | None, unit: bool) -> Text:
        """The value of each curve nearest to the cursor.

        letters: how many of each name; None: all. unit: whether to name the unit of x.
        """
        assert self._history is not None
        gap, write = (" ", self._shortest) if letters == 1 and self._overlays else ("  ", self._written)
        text = Text(written_x(self._view.x_axis, x, with_name=unit), self.style_of("text"))
        for name, key, style in self.quantity.curves:
            bucket = self._nearest(self._history, key, x)
            if bucket is not None:
                shown = name[:letters] or self.quantity.title
                text.append(f"{gap}{shown} {write(bucket.mean)}", self.style_of(style))
        for number, (_, history) in enumerate(self._overlays):
            overlaid = overlaid_curve(self.quantity, history)
            bucket = None if overlaid is None else self._nearest(history, overlaid, x)
            if bucket is not None:
                value = write(bucket.mean)
                text.append(f"{gap}{OVERLAY_LETTERS[number]} {value}", self.style_of(f"overlay-{number + 1}"))
        return text

    def _nearest(self, history: RunHistory, key: str, x: float) -> Bucket | None:
        first, last = self._drawing.x_range
        return nearest(self._view.x_axis, history, key, x, within=(last - first) / self._drawing.columns)

    def action_move(self, columns: int) -> None:
        """Moves the cursor. It first appears at the left, or at the latest step if it is moved to the left."""
        if not self._drawing.columns:
            return
        if self._cursor is not None:
            self._put_cursor(self._cursor_column + columns)
        elif columns < 0 and self._history is not None:
            view = self._history.view
            first, last = self._drawing.x_range
            done = (x_of(self._view.x_axis, self._history, view.step, view.seconds) - first) / (last - first)
            self._put_cursor(math.ceil(done * self._drawing.columns) - 1)
        else:
            self._put_cursor(0)

    @property
    def _cursor_column(self) -> int:
        return int((self._cursor or 0.0) * self._drawing.columns)

    def _put_cursor(self, column: int) -> None:
        columns = self._drawing.columns
        self._cursor = (min(max(column, 0), columns - 1) + 0.5) / columns
        self.redraw()

    def action_jump(self, column: int) -> None:
        """Puts the cursor at the left or right end."""
        if self._drawing.columns:
            self._put_cursor(column)

    def action_no_cursor(self) -> None:
        """Removes the cursor. Without one, the key is the screen's."""
        if self._cursor is None:
            raise SkipAction
        self._cursor = None
        self.redraw()

    def action_maximise(self) -> None:
        """Asks to be maximised."""
        self.post_message(self.Maximise())

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there."""
        column = event.x - 2 - self._drawing.left
        if 0 <= column < self._drawing.columns:
            self._put_cursor(column)
