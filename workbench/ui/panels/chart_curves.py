"""The curves of a chart, made ready to be drawn: a run's own, smoothed or not, and those of the runs it overlays."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from workbench.plotting.groups import mean_and_range
from workbench.plotting.points import Point, averaged, points_by_column
from workbench.plotting.quantities import Quantity
from workbench.runs.curve import Bucket
from workbench.runs.history import Mark, RunHistory
from workbench.ui.live.overlays import Overlay
from workbench.ui.look.chart import Plot, Series
from workbench.ui.panels.chart_window import Extent, Window
from workbench.ui.panels.x_axis import XAxis, converted, extent_of, label_of, nearest, x_of

MARK_LETTERS = {
    "learning_rate": "L",
    "pause": "p",
    "resume": "r",
    "stop": "x",
    "checkpoint": "c",
    "resumed": "R",
}
DOTS_A_CELL = 2
"""Columns of dots in a cell of braille."""
BUCKETS_A_COLUMN = 4
"""Of an overlaid run's curve: more of them would not be seen."""
SMOOTHED = "loss/train"
"""The one curve with a value for each step, which can be smoothed. The others have one an epoch or a report."""
MOST_SMOOTHING = 0.9
SMOOTHED_PARTS = 100
"""The smoothing is the weight that the past keeps over one of so many equal parts of the steps done."""
OVERLAY_SMOOTHING = 0.6
"""Overlaid curves of each step are smoothed at least this much: several noisy ones would hide each other."""
TOLD_BY_DASHES = 2
"""Curves that can be told apart without colours because one of them is dashed."""
MARKERS = "*+ox#%&="
"""Of a chart's own curves in plain ASCII."""
EXACT = ("learning-rate",)
"""Charts whose values have no noise, so that none is an outlier."""


@dataclass(frozen=True)
class ChartView:
    """How all charts are shown."""

    smoothing: float = 0.0
    """The weight of the past in the moving average, from 0 (none) to `MOST_SMOOTHING`."""
    log: bool = False
    unlike: frozenset[str] = frozenset()
    """Titles of the charts that have the other scale: linear if `log`, logarithmic if not."""
    x_axis: XAxis = "step"
    all_values: bool = False
    """Whether the y axes hold outliers too."""
    window: Window | None = None
    """The part of the x axis that is shown; None: all of it."""
    cursor: float | None = None
    """The x whose values are read."""
    front: str = ""
    """Name of the curve that is in front, while the others are grey; empty: the run's own are, all in colour."""

    def is_log(self, quantity: Quantity) -> bool:
        """Whether a chart has a logarithmic scale."""
        return quantity.can_be_log and self.log != (quantity.title in self.unlike)

    def extent(self, history: RunHistory, overlays: Sequence[RunHistory]) -> Extent:
        """What there is to see of these runs."""
        return extent_of(self.x_axis, history, overlays)

    def shown(self, extent: Extent) -> tuple[float, float]:
        """The range of x that charts show of it."""
        return extent.whole if self.window is None else self.window.shown(extent)


@dataclass(frozen=True)
class DrawnCurve:
    """A curve as it is drawn."""

    name: str
    """Empty for the only curve of its quantity; of an overlaid run its letter."""
    key: str
    """In RunHistory.curves."""
    style: str
    history: RunHistory
    points: Sequence[Point]
    raw: Sequence[Point] = ()
    """The points before they were smoothed; none if they are not."""
    spread: Sequence[Point] = ()
    """Of a group of runs, the range from the least to the greatest of them; none if it is of one run."""
    dashed: bool = False


@dataclass(frozen=True)
class Reading:
    """The value of a curve at the cursor."""

    curve: DrawnCurve
    x: float
    value: float
    """As it is drawn."""
    raw: float
    """As it was measured; the same unless the curve is smoothed."""


@dataclass(frozen=True)
class ChartCurves:
    """One quantity of a run and of the runs that it overlays."""

    quantity: Quantity
    history: RunHistory
    overlays: Sequence[Overlay]
    view: ChartView
    no_color: bool
    """Whether a chart's second curve is dashed, as its colour cannot tell it from the first."""
    width: int
    """Of the chart, in cells."""

    @cached_property
    def extent(self) -> Extent:
        """What there is to see."""
        return self.view.extent(self.history, [history for overlay in self.overlays for history in overlay.histories])

    @cached_property
    def x_range(self) -> tuple[float, float]:
        """The part of it that is shown."""
        return self.view.shown(self.extent)

    def plot(self, *, ascii: bool) -> Plot:
        """What to draw."""
        axis, history, last = self.view.x_axis, self.history, self.x_range[1]
        return Plot(
            series=list(self._series()),
            x_range=self.x_range,
            x_label=label_of(axis, self.x_range),
            y_label=self.quantity.tick,
            log=self.view.is_log(self.quantity),
            whole_x=axis == "step" or (axis == "epoch" and self.x_range[0] == 0 and last >= 2),
            marks=[(self._x_of(mark), letter) for mark in history.marks if (letter := MARK_LETTERS.get(mark.kind))],
            breaks=[
                *self._breaks(),
                *((self._x_of(mark), "error") for mark in history.marks if mark.kind == "diverged"),
            ],
            cursor=self.view.cursor,
            spots=[(each.x, each.value, each.curve.style) for each in self.readings[::-1] if math.isfinite(each.value)],
            most=self.quantity.most,
            robust=not self.view.all_values and self.quantity.id not in EXACT,
            whole=self.extent.whole,
            sixties=axis == "time",
            ascii=ascii,
        )

    @cached_property
    def own(self) -> list[DrawnCurve]:
        """The run's own curves."""
        found = []
        for name, key, style in self.quantity.curves:
            smoothing = self.view.smoothing if key == SMOOTHED else 0.0
            found.append(self._drawn(name, key, style, self.history, smoothing))
        return found

    @cached_property
    def overlaid(self) -> list[DrawnCurve]:
        """The overlaid runs: their validation curve where there is one, else the smoothed training curve."""
        return [curve for overlay in self.overlays if (curve := self._overlaid(overlay)) is not None]

    def _overlaid(self, overlay: Overlay) -> DrawnCurve | None:
        """The curve of a run, or the mean of a group and the range of its runs; None if they have none."""
        curves = []
        for history in overlay.histories:
            if (key := overlaid_curve(self.quantity, history)) is not None:
                smoothing = max(self.view.smoothing, OVERLAY_SMOOTHING) if key == SMOOTHED else 0.0
                curve = self._drawn(overlay.mark.letter, key, overlay.mark.style, history, smoothing)
                curves.append(replace(curve, dashed=overlay.mark.dashed))
        if len(curves) < 2:
            return curves[0] if curves else None
        spread = mean_and_range([curve.points for curve in curves])
        mean = [Point(point.x, point.mean, point.mean, point.mean) for point in spread]
        longest = max(curves, key=lambda curve: curve.history.view.step)
        return replace(longest, points=mean, raw=(), spread=spread)

    def _drawn(self, name: str, key: str, style: str, history: RunHistory, smoothing: float) -> DrawnCurve:
        points = self._points(history, key)
        if not smoothing or not points:
            return DrawnCurve(name, key, style, history, points)
        curve = history.curves[key]
        averages = curve.averages(smoothing, max(history.view.step, 1) / SMOOTHED_PARTS)
        smooth = averaged(points, curve.buckets, partial(self._x_of_bucket, history), averages)
        return DrawnCurve(name, key, style, history, smooth, raw=points)

    @property
    def drawn_ends(self) -> dict[str, float]:
        """By own curve that is smoothed, the value at which it ends as it is drawn, if its end is in view."""
        if self.x_range[1] < self.extent.done:
            return {}
        ends = {each.key: each.points[-1].mean for each in self.own if each.raw}
        return {key: value for key, value in ends.items() if math.isfinite(value)}

    @cached_property
    def readings(self) -> list[Reading]:
        """The value of each curve at the cursor, of its nearest point; first that of the curve in front."""
        x = self.view.cursor
        if x is None:
            return []
        within = (self.x_range[1] - self.x_range[0]) / max(self.width, 1)
        found = []
        front = self.front
        for each in sorted((*self.own, *self.overlaid), key=lambda each: not front or each.name != front):
            curve = each.history.curves.get(each.key)
            bucket = None if curve is None else nearest(self.view.x_axis, each.history, curve, x, within=within)
            if bucket is not None:
                at = x_of(self.view.x_axis, each.history, bucket.last_step, bucket.seconds)
                value = _nearest_mean(each.points, at) if each.raw or each.spread else bucket.mean
                found.append(Reading(each, at, value, value if each.spread else bucket.mean))
        return found

    @property
    def steps_per_point(self) -> int:
        """The steps that share a point where it could be seen that they do; 1 where each step is drawn by itself.

        A curve is kept in bounded memory: seen closely, the older part of a long one has a point every few columns.
        """
        first, last = self.x_range
        curve = self.history.curves.get(self.quantity.curves[0][1])
        if curve is None or not curve.buckets:
            return 1
        axis, history = self.view.x_axis, self.history
        middle = nearest(axis, history, curve, (first + last) / 2, within=math.inf)
        steps = converted(last, axis, "step", history) - converted(first, axis, "step", history)
        return middle.count if middle is not None and middle.count > max(steps / self.width, 1) else 1

    @property
    def names(self) -> list[str]:
        """The names of the curves, each of which can be in front."""
        return [each.name for each in (*self.own, *self.overlaid) if each.name and each.points]

    @property
    def front(self) -> str:
        """The name of the curve in front, if this chart has it."""
        return self.view.front if self.view.front in self.names else ""

    def _series(self) -> Iterator[Series]:
        """Ranges, over them the curves of overlaid runs, the run's own, and last the curve in front."""
        for each in self.overlaid:
            if each.spread:
                yield Series("line", each.spread, ".", behind=True, filled=True)
        for each in self.own:
            if each.raw:
                yield Series("line", each.raw, ".", behind=True)
        drawn = [(each, each.name[0], each.name, each.dashed) for each in self.overlaid]
        # Without colours the second curve is dashed; of more than two each has the first letter of its name at its end.
        has_letters = self.no_color and len(self.own) > TOLD_BY_DASHES
        drawn += [
            (each, MARKERS[number], each.name[:1] if has_letters else "", bool(number) and self.no_color)
            for number, each in enumerate(self.own)
        ]
        front, overlaid = self.front, {id(each) for each in self.overlaid}
        for each, marker, letter, dashed in sorted(drawn, key=lambda curve: bool(front) and curve[0].name == front):
            style = "dim" if front and each.name != front else each.style
            yield Series(
                style, each.points, marker, letter, dashed=dashed, within=bool(each.raw) and id(each) not in overlaid
            )

    def _breaks(self) -> Iterator[tuple[float, str]]:
        """Where curves become not finite."""
        broken = [(each, each.style) for each in self.overlaid] + [(each, "error") for each in self.own]
        column = (self.x_range[1] - self.x_range[0]) / max(self.width, 1)
        for each, style in broken:
            last = -math.inf  # a stretch of numbers that has no column of its own is not seen
            for point in each.points:
                if not math.isfinite(point.mean):
                    if point.x - last > 2 * column:
                        yield point.x, style
                    last = point.x

    def _x_of(self, mark: Mark) -> float:
        return x_of(self.view.x_axis, self.history, mark.step, mark.seconds)

    def _points(self, history: RunHistory, key: str) -> list[Point]:
        curve = history.curves.get(key)
        if curve is None:
            return []

        columns, buckets = self.width * DOTS_A_CELL, curve.buckets
        if history is not self.history and self.view.window is None:  # many runs, which grow seldom
            buckets = curve.coarse(BUCKETS_A_COLUMN * columns)
        return points_by_column(buckets, partial(self._x_of_bucket, history), self.x_range, columns)

    def _x_of_bucket(self, history: RunHistory, bucket: Bucket) -> float:
        return x_of(self.view.x_axis, history, bucket.last_step, bucket.seconds)


def _nearest_mean(points: Sequence[Point], x: float) -> float:
    after = bisect_left(points, x, key=lambda point: point.x)
    beside = points[max(after - 1, 0) : after + 1]
    return min(beside, key=lambda point: abs(point.x - x)).mean if beside else math.nan


def overlaid_curve(quantity: Quantity, history: RunHistory) -> str | None:
    """The key of the one curve of an overlaid run that is drawn: the last that it has; None without any."""
    keys = [key for _, key, _ in quantity.curves] if quantity.compared is None else [quantity.compared]
    found = [key for key in keys if key in history.curves]
    return found[-1] if found else None
