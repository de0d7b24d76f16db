"""The best value so far against the time that the study has taken."""

from __future__ import annotations

from rich.text import Text

from workbench.metrics import Metric
from workbench.plotting.points import Point
from workbench.plotting.scales import clock
from workbench.ui.look.chart import Plot, Series
from workbench.ui.panels.tune_chart import DOT, TuneChart, TuneView, joined, point_at


class BestPanel(TuneChart):
    """The best value so far against the time that the study has taken; every trial's value behind it."""

    EMPTY = "the best result so far, against time"

    def heading(self) -> Text:
        text = Text("best so far", self.style_of("strong"))
        watch = None if self._view is None else self._view.watch
        if watch is not None and watch.best_so_far and watch.view.metric is not None:
            seconds, value = watch.best_so_far[-1]
            text.append(f"  {watch.view.metric.write(value)}", self.style_of("train"))
            text.append(f" after {clock(seconds)}", self.style_of("dim"))
        return text

    def footing(self) -> Text:
        return Text("by time", self.style_of("dim"))

    def series(self, view: TuneView, metric: Metric) -> list[Series]:
        watch = view.watch
        steps: list[Point] = []
        for seconds, value in watch.best_so_far:
            if steps:
                steps.append(point_at(seconds, steps[-1].mean))
            steps.append(point_at(seconds, value))
        if steps:
            steps.append(point_at(max(watch.view.seconds, steps[-1].x), steps[-1].mean))
        reached = joined([point_at(*each)] for each in watch.reached.values())
        within = not view.all_values and len(watch.best_so_far) > 1
        return [Series(DOT, reached, ".", dots=True, within=within), Series("train", steps, "*")]

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        watch = view.watch
        end = max(watch.view.seconds, *(point.x for each in series for point in each.points), 1e-3)
        return self.axes(view, metric, series, (0.0, end), clock, whole_x=end >= 10, sixties=True)
