"""One setting of a study's trials against their results."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from workbench.metrics import Metric
from workbench.plotting.points import Point
from workbench.tuning.view import TrialView
from workbench.ui.form.parsing import shown
from workbench.ui.live.study_watch import Searched, StudyWatch
from workbench.ui.live.study_words import setting_label, value_words
from workbench.ui.look.chart import Plot, Series
from workbench.ui.panels.tune_chart import CURRENT, DOT, USUAL, TuneChart, TuneView, joined, point_at

SPREAD = 0.5
"""Of the width of a choice, over which its trials are spread so that they do not hide each other."""
GOLDEN = 0.6180339887
"""Multiples of it, less their whole part, are spread evenly."""
DECADES_WITH_WHOLE_TICKS = 2.0


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
        best = {trial.number for trial, _, _ in self.lettered}
        own = [trial for trial in view.watch.view.trials.values() if trial.repeats is None]
        rest = [trial for trial in own if trial.number not in best]

        def points(trials: Iterable[TrialView]) -> list[Point]:
            return joined(axis.points(trial, metric) for trial in trials)

        found = [
            Series(DOT, points(trial for trial in rest if trial.status in ("discarded", "failed")), ".", dots=True),
            Series(USUAL, points(trial for trial in rest if trial.status not in ("discarded", "failed")), "*"),
        ]
        if view.current is not None and view.current.number not in best:
            found.append(Series(CURRENT, points([view.current]), "*"))
        for trial, letter, style in self.lettered:
            found.append(Series(style, points([trial]), letter.lower(), letter))
        return found

    def plot(self, view: TuneView, metric: Metric, series: list[Series]) -> Plot:
        assert view.setting is not None
        axis = _Axis.of(view.setting, view.watch)
        return self.axes(view, metric, series, axis.range, axis.label, whole_x=axis.has_whole_ticks)


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
            return [point_at(self.choices.index(shown(value)) + SPREAD * offset, result)]
        if not isinstance(value, (int, float)):
            return []
        if self.log:
            return [point_at(math.log10(value) if value > 0 else self.range[0], result)]
        return [point_at(float(value), result)]


def _values(path: str, watch: StudyWatch) -> list[Any]:
    trials = watch.view.trials.values()
    return [trial.settings[path] for trial in trials if trial.settings.get(path) is not None]
