"""What the charts of a study have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from workbench.metrics import Metric
from workbench.plotting.points import Point
from workbench.plotting.quantities import quantity_of
from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import LETTERS, Searched, StudyWatch, finite
from workbench.ui.look.chart import Plot, Series, draw
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.tune_trial_lines import BEST_STYLES

FAINT, DOT, USUAL, CURRENT = "line", "dim", "overlay-4", "text"
"""Styles of the curves of discarded trials, of their points, of other trials, and of the one under the cursor."""


@dataclass(frozen=True)
class TuneView:
    """What the charts show of a study."""

    watch: StudyWatch
    setting: Searched | None
    """The one that is shown against the result."""
    current: TrialView | None
    """The trial under the cursor."""
    log: bool
    """Whether results are on a logarithmic scale, where their metric can be."""
    all_values: bool = False
    """Whether the axes of results hold outliers too."""


class TuneChart(Panel):
    """A chart of a study."""

    KEYS = (
        ("left right", "another setting against the result"),
        ("L", "log scale"),
        ("^", "outliers"),
        ("m", "maximise"),
    )
    EMPTY = ""
    """What stands there before the first value."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: TuneView | None = None

    def show(self, view: TuneView | None) -> None:
        """Shows a study; None: there is none."""
        self._view = view
        self.redraw()

    def series(self, view: TuneView, metric: Metric) -> list[Series]:
        """What is drawn, the most important last."""
        raise NotImplementedError

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        """The axes."""
        raise NotImplementedError

    def content(self, width: int, height: int) -> list[Text]:
        view = self._view
        metric = None if view is None else view.watch.view.metric
        series = [] if view is None or metric is None else self.series(view, metric)
        if view is None or metric is None or not any(each.points for each in series):
            return self.placeholder(self.EMPTY, width)
        return draw(self.plot(view, metric, series), width, height, self.style_of).lines

    def axes(
        self,
        view: TuneView,
        metric: Metric,
        series: list[Series],
        x_range: tuple[float, float],
        x_label: Callable[[float], str],
        **rest: Any,
    ) -> Plot:
        """A plot of results of this metric. rest: further fields of it."""
        quantity = quantity_of(metric, "")
        return Plot(
            series,
            x_range,
            x_label,
            quantity.tick,
            log=view.log and quantity.can_be_log,
            most=quantity.most,
            robust=not view.all_values,
            ascii=self.glyphs.ascii,
            **rest,
        )

    @property
    def lettered(self) -> list[tuple[TrialView, str, str]]:
        """The best trials, each with its letter and style; the best last."""
        best = [] if self._view is None else self._view.watch.best
        return list(zip(best, LETTERS, BEST_STYLES, strict=False))[::-1]


def point_at(x: float, y: float) -> Point:
    """A single value."""
    return Point(x, y, y, y)


def curve_of(trial: TrialView) -> list[Point]:
    """The values of a trial by epoch."""
    return [point_at(float(epoch), value) for epoch, value in finite(trial.values)]


def joined(curves: Iterable[Sequence[Point]]) -> list[Point]:
    """Curves one after the other, with a gap after each."""
    found: list[Point] = []
    for curve in curves:
        if curve:
            found += [*curve, Point(curve[-1].x, math.nan, math.nan, math.nan)]
    return found
