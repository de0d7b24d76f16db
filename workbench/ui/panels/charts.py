"""A chart: the curves of one quantity, with a legend in its border and a cursor that reads values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.runs.curve import Bucket, Curve
from workbench.runs.history import RunHistory
from workbench.ui.look.chart import Drawing, Plot, Series, draw
from workbench.ui.look.points import Point, points_by_column, smoothed
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.quantities import Quantity
from workbench.ui.panels.x_axis import XAxis, clock, count, nearest, range_of, written_x, x_of

OVERLAY_LETTERS = "ABCD"
MARK_LETTERS = {
    "learning_rate": "L",
    "pause": "p",
    "resume": "r",
    "stop": "x",
    "checkpoint": "c",
    "resumed": "R",
}
SMOOTHED = "loss/train"
"""The one curve with a value a step; the others have one an epoch or a report, and are drawn as they are."""
MARKERS = "*+"
"""Of a chart's own curves in plain ASCII."""
DASHED_SAMPLE = "╍"
SLIDER_CELLS = 9
NAME_LETTERS = (None, 5, 1)
"""How many letters of the curves' names a border shows, as there is room; None: all."""


@dataclass(frozen=True)
class ChartView:
    """How all charts are shown."""

    smoothing: float = 0.0
    """The weight of the past in the moving average, from 0 (none) to below 1."""
    log: bool = False
    x_axis: XAxis = "step"


class ChartPanel(Panel):
    """One chart. The focused one has a cursor that reads values."""

    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("left right", "read values"),
        (", .", "smooth"),
        ("g", "log scale"),
        ("e", "x axis"),
        ("v", "two or four charts"),
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
        """As a fraction of the canvas's width, so that it stays where it is when the panel is resized."""
        self._drawing = Drawing([])
        self._drawn_ends: dict[str, float] = {}
        """By curve: the value at which it ends as it is drawn, smoothed."""

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

    @property
    def _log(self) -> bool:
        return self._view.log and self.quantity.can_be_log

    def heading(self) -> Text:
        """The title, and the latest values as the legend; shorter names where the panel is narrow."""
        return self.first_fitting(self._legend(letters) for letters in NAME_LETTERS)

    def _legend(self, letters: int | None) -> Text:
        """letters: of each name; None for all, beside a sample of the curve."""
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
            if any(key in history.curves for _, key, _ in self.quantity.curves):
                gap = " " if letters == 1 and number else "  "
                text.append(f"{gap}{OVERLAY_LETTERS[number]}", self.style_of(f"overlay-{number + 1}"))
        return text

    def _sample(self, number: int) -> str:
        """How the curve is drawn, in a character."""
        if self.glyphs.ascii:
            return MARKERS[number]
        return DASHED_SAMPLE if number and self.app.no_color else self.glyphs.sample

    def _latest(self, value: float) -> str:
        """Percentages with one digit less: the title has little room."""
        if self.quantity.is_percent and math.isfinite(value):
            return f"{100 * value:.1f}"
        return self._written(value)

    def _shortest(self, value: float) -> str:
        """With three digits, where overlaid runs leave no room for more."""
        return f"{value:.3g}" if math.isfinite(value) and not self.quantity.is_percent else self._latest(value)

    def _written(self, value: float) -> str:
        return self.quantity.write(value) if math.isfinite(value) else "NaN"

    def footing(self) -> Text:
        if self._cursor is not None and self._history is not None and self._drawing.columns:
            x = self._drawing.x_of(self._cursor_column)
            named = ((letters, unit) for letters in NAME_LETTERS for unit in (True, False))
            return self.first_fitting(self._read_at_cursor(x, letters, unit) for letters, unit in named)
        parts = []
        if self._log:
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
        self._drawing = draw(self._plot(history, width), width, height, self.style_of)
        return self._drawing.lines

    def _plot(self, history: RunHistory, width: int) -> Plot:
        axis = self._view.x_axis
        x_range = range_of(axis, history, [overlay for _, overlay in self._overlays])
        series = self._overlay_series(x_range, width) + self._run_series(history, x_range, width)
        first, last = x_range
        cursor = None if self._cursor is None else first + (last - first) * self._cursor
        marks = [(x_of(axis, history, mark.step, mark.seconds), MARK_LETTERS[mark.kind]) for mark in history.marks]
        return Plot(
            series=series,
            x_range=x_range,
            x_label=clock if axis == "time" else count,
            y_label=self.quantity.tick,
            log=self._log,
            whole_x=axis == "step" or (axis == "epoch" and last >= 2),
            marks=marks,
            cursor=cursor,
            most=self.quantity.most,
            sixties=axis == "time",
            ascii=self.glyphs.ascii,
        )

    def _run_series(self, history: RunHistory, x_range: tuple[float, float], width: int) -> list[Series]:
        found = []
        self._drawn_ends = {}
        for number, (_, key, style) in enumerate(self.quantity.curves):
            points = self._points(history, history.curves.get(key), x_range, width)
            smooth = self._view.smoothing > 0 and key == SMOOTHED
            if smooth:
                found.append(Series("line", points, "."))
                points = smoothed(points, self._view.smoothing)
                if points and math.isfinite(points[-1].mean):
                    self._drawn_ends[key] = points[-1].mean
            found.append(Series(style, points, MARKERS[number], dashed=bool(number) and self.app.no_color))
        return found

    def _overlay_series(self, x_range: tuple[float, float], width: int) -> list[Series]:
        """The overlaid runs: their validation curve where there is one, else the smoothed training curve."""
        found = []
        for number, (_, history) in enumerate(self._overlays):
            keys = [key for _, key, _ in self.quantity.curves if key in history.curves]
            if keys:
                points = self._points(history, history.curves[keys[-1]], x_range, width)
                if keys[-1] == SMOOTHED:
                    points = smoothed(points, max(self._view.smoothing, 0.6))
                letter = OVERLAY_LETTERS[number]
                found.append(Series(f"overlay-{number + 1}", points, letter.lower(), letter))
        return found

    def _points(
        self, history: RunHistory, curve: Curve | None, x_range: tuple[float, float], width: int
    ) -> list[Point]:
        if curve is None:
            return []

        def x(bucket: Bucket) -> float:
            return x_of(self._view.x_axis, history, bucket.last_step, bucket.seconds)

        return points_by_column(curve.buckets, x, x_range, width)

    def _read_at_cursor(self, x: float, letters: int | None, unit: bool) -> Text:
        """The values of all curves nearest to the cursor; letters: of each name, None for all; unit: that of x."""
        assert self._history is not None
        gap, write = (" ", self._shortest) if letters == 1 and self._overlays else ("  ", self._written)
        text = Text(written_x(self._view.x_axis, x, with_name=unit), self.style_of("text"))
        for name, key, style in self.quantity.curves:
            bucket = self._nearest(self._history, key, x)
            if bucket is not None:
                shown = name[:letters] or self.quantity.title
                text.append(f"{gap}{shown} {write(bucket.mean)}", self.style_of(style))
        for number, (_, history) in enumerate(self._overlays):
            keys = [key for _, key, _ in self.quantity.curves if key in history.curves]
            bucket = self._nearest(history, keys[-1], x) if keys else None
            if bucket is not None:
                value = write(bucket.mean)
                text.append(f"{gap}{OVERLAY_LETTERS[number]} {value}", self.style_of(f"overlay-{number + 1}"))
        return text

    def _nearest(self, history: RunHistory, key: str, x: float) -> Bucket | None:
        first, last = self._drawing.x_range
        return nearest(self._view.x_axis, history, key, x, within=(last - first) / self._drawing.columns)

    def action_move(self, columns: int) -> None:
        """Moves the cursor; at first it appears at an end of the steps done so far."""
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
        """Removes the cursor."""
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
