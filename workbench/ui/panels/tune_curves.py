"""The curves of a study's trials; where all of them count, as a band."""

from __future__ import annotations

from rich.text import Text

from workbench.metrics import Metric
from workbench.plotting.scales import count
from workbench.ui.look.chart import Plot, Series
from workbench.ui.panels.tune_band import band_points, band_series
from workbench.ui.panels.tune_chart import CURRENT, DOT, FAINT, USUAL, TuneChart, TuneView, curve_of, joined

BAND = "cursor"
"""The style of what lies between the least and the greatest of trials that all count."""


class CurvesPanel(TuneChart):
    """The curves of all trials: discarded ones faint, the best in colours."""

    EMPTY = "the trials' curves appear here as their epochs end"

    def heading(self) -> Text:
        view = self._view
        metric = None if view is None else view.watch.view.metric
        if view is None or metric is None:
            return Text("curves", self.style_of("strong"))
        return self.first_fitting(self._legend(view, metric, words) for words in (True, False))

    def _legend(self, view: TuneView, metric: Metric, words: bool) -> Text:
        text = Text(f"validation {metric.label}{metric.unit}" if words else metric.label, self.style_of("strong"))
        for trial, letter, style in self.lettered[::-1]:
            value = trial.best(metric)
            if value is not None:
                text.append(f"  {letter} {metric.number(value)}", self.style_of(style))
        if not view.watch.is_contest and (band := view.watch.band()):
            _, least, mean, greatest = band[-1]
            text.append(f"  mean {metric.number(mean)}", self.style_of("train"))
            text.append(f"  {metric.number(least)} to {metric.number(greatest)}", self.style_of("dim"))
        discarded = sum(trial.status == "discarded" for trial in view.watch.view.trials.values())
        if words and discarded:
            text.append(f"  {discarded} discarded", self.style_of("dim"))
        return text

    def footing(self) -> Text:
        return Text("by epoch", self.style_of("dim"))

    def series(self, view: TuneView, metric: Metric) -> list[Series]:
        trials = view.watch.view.trials.values()
        if not view.watch.is_contest:
            return band_series(view.watch, view.current)
        best = {trial.number for trial, _, _ in self.lettered}
        rest = [trial for trial in trials if trial.number not in best]
        ended = [trial for trial in rest if trial.status in ("discarded", "failed") or trial.repeats is not None]
        going = [trial for trial in rest if trial not in ended]
        curves, goes_on = [curve_of(trial) for trial in ended], joined(map(curve_of, going))
        # What was discarded is shown where the others are: most of it lies far away, and would leave them no room.
        within = not view.all_values and bool(goes_on or any(trial.values for trial, _, _ in self.lettered))
        found = [
            Series(FAINT, joined(curve for curve in curves if len(curve) > 1), ".", within=within),
            Series(DOT, joined(curve for curve in curves if len(curve) == 1), ".", dots=True, within=within),
            Series(USUAL, goes_on, "*"),
        ]
        if view.current is not None and view.current.number not in best:
            found.append(Series(CURRENT, curve_of(view.current), "*"))
        for trial, letter, style in self.lettered:
            found.append(Series(style, curve_of(trial), letter.lower(), letter))
        return found

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        epochs = max(point.x for each in series for point in each.points)
        fills = not view.watch.is_contest and not self.glyphs.ascii
        band = band_points(view.watch) if fills else []
        x_range = (1.0 if epochs > 1 else 0.0, epochs)
        return self.axes(view, metric, series, x_range, count, band=band, band_style=BAND)
