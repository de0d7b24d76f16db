"""The curves of a chart, made ready to be drawn: a run's own, smoothed or not, and those of the runs it overlays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.plotting.groups import mean_and_range
from workbench.plotting.points import Point, points_by_column, smoothed
from workbench.plotting.quantities import Quantity
from workbench.plotting.scales import clock, count
from workbench.runs.curve import Bucket, Curve
from workbench.runs.history import RunHistory
from workbench.ui.live.overlays import Overlay
from workbench.ui.look.chart import Plot, Series
from workbench.ui.panels.x_axis import XAxis, range_of, x_of

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
SMOOTHED = "loss/train"
"""The one curve with a value for each step, which can be smoothed. The others have one an epoch or a report."""
OVERLAY_SMOOTHING = 0.6
"""Overlaid curves of each step are smoothed at least this much: several noisy ones would hide each other."""
RANGE = "line"
"""The style of the range that the runs of a group span."""
MARKERS = "*+ox#%&="
"""Of a chart's own curves in plain ASCII."""


@dataclass(frozen=True)
class ChartView:
    """How all charts are shown."""

    smoothing: float = 0.0
    """The weight of the past in the moving average, from 0 (none) to below 1."""
    log: bool = False
    x_axis: XAxis = "step"


@dataclass(frozen=True)
class ChartCurves:
    """One quantity of a run and of the runs that it overlays."""

    quantity: Quantity
    history: RunHistory
    overlays: Sequence[Overlay]
    view: ChartView
    no_color: bool
    """Whether a chart's second curve is dashed, as its colour cannot tell it from the first."""

    def plot(self, width: int, *, cursor: float | None, ascii: bool) -> tuple[Plot, dict[str, float]]:
        """What to draw in `width` cells; and by curve the value at which it ends as drawn, where it is smoothed.

        cursor: as a fraction of the width.
        """
        axis, history = self.view.x_axis, self.history
        first, last = x_range = range_of(
            axis, history, [beside for overlay in self.overlays for beside in overlay.histories]
        )
        own, drawn_ends = self._run_series(x_range, width)
        plot = Plot(
            series=self._overlay_series(x_range, width) + own,
            x_range=x_range,
            x_label=clock if axis == "time" else count,
            y_label=self.quantity.tick,
            log=self.view.log and self.quantity.can_be_log,
            whole_x=axis == "step" or (axis == "epoch" and last >= 2),
            marks=[(x_of(axis, history, mark.step, mark.seconds), MARK_LETTERS[mark.kind]) for mark in history.marks],
            cursor=None if cursor is None else first + (last - first) * cursor,
            most=self.quantity.most,
            sixties=axis == "time",
            ascii=ascii,
        )
        return plot, drawn_ends

    def _run_series(self, x_range: tuple[float, float], width: int) -> tuple[list[Series], dict[str, float]]:
        found: list[Series] = []
        drawn_ends: dict[str, float] = {}
        for number, (_, key, style) in enumerate(self.quantity.curves):
            points = self._points(self.history, self.history.curves.get(key), x_range, width)
            if self.view.smoothing > 0 and key == SMOOTHED:
                found.append(Series("line", points, "."))
                points = smoothed(points, self.view.smoothing)
                if points and math.isfinite(points[-1].mean):
                    drawn_ends[key] = points[-1].mean
            found.append(Series(style, points, MARKERS[number], dashed=bool(number) and self.no_color))
        return found, drawn_ends

    def _overlay_series(self, x_range: tuple[float, float], width: int) -> list[Series]:
        """The overlaid runs: their validation curve where there is one, else the smoothed training curve.

        Of a group their mean, and behind all curves the range that they span.
        """
        ranges, found = [], []
        for overlay in self.overlays:
            points = self._overlaid_points(overlay, x_range, width)
            mark = overlay.mark
            if len(overlay.histories) > 1 and points:
                ranges.append(Series(RANGE, points, "."))
                points = [Point(point.x, point.mean, point.mean, point.mean) for point in points]
            found.append(Series(mark.style, points, mark.letter[0], mark.letter, dashed=mark.dashed))
        return ranges + found

    def _overlaid_points(self, overlay: Overlay, x_range: tuple[float, float], width: int) -> list[Point]:
        curves = []
        for history in overlay.histories:
            if (key := overlaid_curve(self.quantity, history)) is not None:
                points = self._points(history, history.curves[key], x_range, width)
                if key == SMOOTHED:
                    points = smoothed(points, max(self.view.smoothing, OVERLAY_SMOOTHING))
                curves.append(points)
        return curves[0] if len(curves) == 1 else mean_and_range(curves)

    def _points(
        self, history: RunHistory, curve: Curve | None, x_range: tuple[float, float], width: int
    ) -> list[Point]:
        if curve is None:
            return []

        def x(bucket: Bucket) -> float:
            return x_of(self.view.x_axis, history, bucket.last_step, bucket.seconds)

        return points_by_column(curve.buckets, x, x_range, width * DOTS_A_CELL)


def overlaid_curve(quantity: Quantity, history: RunHistory) -> str | None:
    """The key of the one curve of an overlaid run that is drawn: the last that it has; None without any."""
    keys = [key for _, key, _ in quantity.curves] if quantity.compared is None else [quantity.compared]
    found = [key for key in keys if key in history.curves]
    return found[-1] if found else None
