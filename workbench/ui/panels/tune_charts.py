"""The charts of a study: all curves, the best result against time, and one setting against the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from workbench.metrics import Metric
from workbench.tuning.view import TrialView
from workbench.ui.form.parsing import shown
from workbench.ui.live.study_watch import LETTERS, Searched, StudyWatch, finite
from workbench.ui.live.study_words import setting_label, value_words
from workbench.ui.look.chart import Plot, Series, draw
from workbench.ui.look.points import Point
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.quantities import quantity_of
from workbench.ui.panels.tune_trials import BEST_STYLES
from workbench.ui.panels.x_axis import clock, count

FAINT, DOT, USUAL, CURRENT = "line", "dim", "overlay-4", "text"
"""Styles of the curves of discarded trials, of their points, of other trials, and of the one under the cursor."""
SPREAD = 0.5
"""Of the width of a choice, over which its trials are spread so that they do not hide each other."""
GOLDEN = 0.6180339887
"""Multiples of it, less their whole part, are spread evenly."""
DECADES_WITH_WHOLE_TICKS = 2.0


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


class TuneChart(Panel):
    """A chart of a study."""

    KEYS = (("left right", "another setting against the result"), ("g", "log scale"), ("m", "maximise"))
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

    def _plot(
        self,
        view: TuneView,
        metric: Metric,
        series: list[Series],
        x_range: tuple[float, float],
        x_label: Callable[[float], str],
        **rest: Any,
    ) -> Plot:
        quantity = quantity_of(metric, "")
        return Plot(
            series,
            x_range,
            x_label,
            quantity.tick,
            log=view.log and quantity.can_be_log,
            most=quantity.most,
            ascii=self.glyphs.ascii,
            **rest,
        )

    @property
    def _letters(self) -> list[tuple[TrialView, str, str]]:
        """The best trials, each with its letter and style; the best last."""
        best = [] if self._view is None else self._view.watch.best
        return list(zip(best, LETTERS, BEST_STYLES, strict=False))[::-1]


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
        for trial, letter, style in self._letters[::-1]:
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
            return _band_series(view.watch, view.current)
        best = {trial.number for trial, _, _ in self._letters}
        rest = [trial for trial in trials if trial.number not in best]
        ended = [trial for trial in rest if trial.status in ("discarded", "failed") or trial.repeats is not None]
        going = [trial for trial in rest if trial not in ended]
        curves = [_curve(trial) for trial in ended]
        found = [
            Series(FAINT, _joined(curve for curve in curves if len(curve) > 1), "."),
            Series(DOT, _joined(curve for curve in curves if len(curve) == 1), ".", dots=True),
            Series(USUAL, _joined(map(_curve, going)), "*"),
        ]
        if view.current is not None and view.current.number not in best:
            found.append(Series(CURRENT, _curve(view.current), "*"))
        for trial, letter, style in self._letters:
            found.append(Series(style, _curve(trial), letter.lower(), letter))
        return found

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        last = max(point.x for each in series for point in each.points)
        epochs = max(float(view.watch.preset.training.epochs), last)
        return self._plot(view, metric, series, (1.0 if epochs > 1 else 0.0, epochs), count)


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
                steps.append(_point(seconds, steps[-1].mean))
            steps.append(_point(seconds, value))
        if steps:
            steps.append(_point(max(watch.view.seconds, steps[-1].x), steps[-1].mean))
        reached = _joined([_point(*each)] for each in watch.reached.values())
        return [Series(DOT, reached, ".", dots=True), Series("train", steps, "*")]

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        watch = view.watch
        end = max(watch.view.seconds, *(point.x for each in series for point in each.points), 1e-3)
        return self._plot(view, metric, series, (0.0, end), clock, whole_x=end >= 10, sixties=True)


class SettingPanel(TuneChart):
    """One setting against the result: a point a trial."""

    EMPTY = "a setting against the result: a point for each trial"

    def heading(self) -> Text:
        view = self._view
        if view is None or view.setting is None or view.watch.view.metric is None:
            return Text("setting against result", self.style_of("strong"))
        against = Text(f" against {view.watch.view.metric.label}", self.style_of("dim"))
        return Text.assemble((setting_label(view.setting.path), self.style_of("strong")), against)

    def footing(self) -> Text:
        view = self._view
        if view is None or view.setting is None:
            return Text()
        paths = [each.path for each in view.watch.searched]
        place = paths.index(view.setting.path) + 1 if view.setting.path in paths else 0
        arrows = f"{self.glyphs.left} {place} of {len(paths)} {self.glyphs.right}"
        value = None if view.current is None else view.current.settings.get(view.setting.path)
        here = "" if value is None or view.current is None else f"trial {view.current.number}: {value_words(value)}  "
        return self.first_fitting(Text(text, self.style_of("dim")) for text in (f"{here}{arrows}", arrows))

    def series(self, view: TuneView, metric: Metric) -> list[Series]:
        if view.setting is None:
            return []
        axis = _Axis.of(view.setting, view.watch)
        best = {trial.number for trial, _, _ in self._letters}
        own = [trial for trial in view.watch.view.trials.values() if trial.repeats is None]
        rest = [trial for trial in own if trial.number not in best]

        def points(trials: Iterable[TrialView]) -> list[Point]:
            return _joined(axis.points(trial, metric) for trial in trials)

        found = [
            Series(DOT, points(trial for trial in rest if trial.status in ("discarded", "failed")), ".", dots=True),
            Series(USUAL, points(trial for trial in rest if trial.status not in ("discarded", "failed")), "*"),
        ]
        if view.current is not None and view.current.number not in best:
            found.append(Series(CURRENT, points([view.current]), "*"))
        for trial, letter, style in self._letters:
            found.append(Series(style, points([trial]), letter.lower(), letter))
        return found

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        assert view.setting is not None
        axis = _Axis.of(view.setting, view.watch)
        return self._plot(view, metric, series, axis.range, axis.label, whole_x=axis.has_whole_ticks)


@dataclass(frozen=True)
class _Axis:
    """The values of a setting from left to right: numbers, their logarithms, or the places of choices."""

    path: str
    log: bool
    choices: tuple[str, ...]
    range: tuple[float, float]
    has_zero: bool = False
    """Whether 0 stands at the left end of the logarithms, where it does not belong."""

    @classmethod
    def of(cls, setting: Searched, watch: StudyWatch) -> _Axis:
        if setting.choices:
            choices = tuple(map(shown, setting.choices))
            others = [shown(value) for value in _values(setting.path, watch)]
            choices = tuple(dict.fromkeys([*choices, *others]))  # the preset's own may lie outside of the search
            return cls(setting.path, False, choices, (-0.5, len(choices) - 0.5))
        numbers = [float(value) for value in _values(setting.path, watch) if isinstance(value, (int, float))]
        log = setting.log and any(number > 0 for number in numbers)
        places = [math.log10(number) if log else number for number in numbers if number > 0 or not log] or [0.0]
        low, high = min(places), max(places)
        margin = (high - low) * 0.03 or abs(low) * 0.1 or 0.5
        if log and min(numbers) <= 0:
            # An even power of ten, for it has a tick wherever there are any.
            return cls(setting.path, log, (), (2.0 * math.floor((low - 1) / 2), high + margin), has_zero=True)
        return cls(setting.path, log, (), (low - margin, high + margin))

    @property
    def has_whole_ticks(self) -> bool:
        low, high = self.range
        return bool(self.choices) or (self.log and high - low >= DECADES_WITH_WHOLE_TICKS)

    def label(self, place: float) -> str:
        """What stands at a place of the axis."""
        if self.choices:
            at = min(max(round(place), 0), len(self.choices) - 1)
            return self.choices[at].replace("_", " ")
        if self.has_zero and place <= self.range[0]:
            return "0"
        return value_words(float(f"{10**place:.2g}")) if self.log else f"{place:.4g}"

    def points(self, trial: TrialView, metric: Metric) -> list[Point]:
        """Where a trial lies; nowhere if it has no value, or not this setting."""
        value, result = trial.settings.get(self.path), trial.best(metric)
        if value is None or result is None:
            return []
        if self.choices:
            offset = (trial.number * GOLDEN) % 1.0 - 0.5 if trial.number else 0.0
            return [_point(self.choices.index(shown(value)) + SPREAD * offset, result)]
        if not isinstance(value, (int, float)):
            return []
        if self.log:
            return [_point(math.log10(value) if value > 0 else self.range[0], result)]
        return [_point(float(value), result)]


def _values(path: str, watch: StudyWatch) -> list[Any]:
    trials = watch.view.trials.values()
    return [trial.settings[path] for trial in trials if trial.settings.get(path) is not None]


def _point(x: float, y: float) -> Point:
    return Point(x, y, y, y)


def _curve(trial: TrialView) -> list[Point]:
    return [_point(float(epoch), value) for epoch, value in finite(trial.values)]


def _band_series(watch: StudyWatch, current: TrialView | None) -> list[Series]:
    """The mean of all trials, the band between the least and the greatest of them, and each of them faint."""
    band = watch.band()
    ends = _joined([[_point(float(epoch), least) for epoch, least, _, _ in band],
                    [_point(float(epoch), greatest) for epoch, _, _, greatest in band]])  # fmt: skip
    return [
        Series(FAINT, _joined(map(_curve, watch.view.trials.values())), "."),
        Series(USUAL, ends, "+"),
        Series(CURRENT, [] if current is None else _curve(current), "o"),
        Series("train", [_point(float(epoch), mean) for epoch, _, mean, _ in band], "*"),
    ]


def _joined(curves: Iterable[Sequence[Point]]) -> list[Point]:
    """Curves one after the other, with a gap after each."""
    found: list[Point] = []
    for curve in curves:
        if curve:
            found += [*curve, Point(curve[-1].x, math.nan, math.nan, math.nan)]
    return found
