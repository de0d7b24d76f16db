"""The table of folds as lines of text: what each fold leaves out, and how good the model without it is there."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.tuning.view import TrialView
from workbench.ui.live.study_folds import Fold, fold_of, folds_of, shown_metrics, value_of
from workbench.ui.live.study_watch import StudyWatch
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.tune_trial_lines import (
    GAP,
    SPARK_CELLS,
    SPARK_FROM,
    STATUS_CELLS,
    TIME_CELLS,
    LineStart,
    spark_cell,
    time_cell,
    value_cell,
)
from workbench.units import count

TIME_FROM, STATUS_FROM = 44, 60
"""Widths from which the time, and the state as a word are shown."""


class FoldPainter:
    """Draws the folds of a cross-validation. Samples, and metrics beside the monitored one, come with the result."""

    def __init__(self, watch: StudyWatch, trials: Sequence[TrialView], width: int, widget: LineWidget) -> None:
        """trials: all of them, by which columns are as wide as needed."""
        self._watch, self._width, self._widget = watch, width, widget
        self._start = LineStart(watch, widget)
        self._folds = folds_of(watch)
        self._metrics = shown_metrics(watch)
        self._has_samples = any(fold.samples is not None for fold in self._folds.values())
        titles = [f"{metric.label}{metric.unit}" for metric in self._metrics]
        cells = [self._values(trial) for trial in trials]
        self._titles = titles or [""]
        self._widths = [max(5, *map(len, column)) for column in zip(self._titles, *cells, strict=True)]
        taken = len(LineStart.TITLE) + GAP + sum(self._widths) + GAP * len(self._widths)
        spare = width - taken - (len("samples") + GAP if self._has_samples else 0)
        self._has_time = width >= TIME_FROM and spare >= TIME_CELLS
        spare -= TIME_CELLS + GAP if self._has_time else 0
        self._has_spark = width >= SPARK_FROM and spare >= SPARK_CELLS
        spare -= SPARK_CELLS + GAP if self._has_spark else 0
        self._has_status = width >= STATUS_FROM and spare >= STATUS_CELLS

    def _values(self, trial: TrialView) -> list[str]:
        if self._watch.view.metric is None:
            return [""]
        if trial.status == "running":
            return [value_cell(self._watch, trial), *["" for _ in self._metrics[1:]]]
        values = [value_of(self._watch, trial, metric, self._folds) for metric in self._metrics]
        return [
            "" if value is None else metric.number(value) for metric, value in zip(self._metrics, values, strict=True)
        ]

    def titles(self) -> Text:
        line = Text(f"{'fold':>{len(LineStart.TITLE)}}{'':{GAP}}", self._widget.style_of("dim"))
        line.append(f"{self._titles[0]:>{self._widths[0]}}")
        if self._has_spark:
            line.append(f"{'':{GAP}}{'':<{SPARK_CELLS}}")
        for title, width in zip(self._titles[1:], self._widths[1:], strict=True):
            line.append(f"{'':{GAP}}{title:>{width}}")
        if self._has_samples:
            line.append(f"{'':{GAP}}samples")
        if self._has_status:
            line.append(f"{'':{GAP}}state")
        if self._has_time:
            line.pad_right(self._width - line.cell_len - TIME_CELLS)
            line.append(f"{'time':>{TIME_CELLS}}")
        return line

    def line(self, trial: TrialView, *, is_marked: bool) -> Text:
        watch, widget = self._watch, self._widget
        plain, dim = self._start.style(trial), widget.style_of("dim")
        first, *rest = self._values(trial)
        line = self._start.text(trial, is_marked=is_marked)
        line.append(f"{first:>{self._widths[0]}}", plain + widget.style_of("strong").without_color)
        if self._has_spark:
            line.append(f"{'':{GAP}}{spark_cell(trial, widget):<{SPARK_CELLS}}", plain)
        for value, width in zip(rest, self._widths[1:], strict=True):
            line.append(f"{'':{GAP}}{value:>{width}}", plain)
        if self._has_samples:
            samples = self._folds.get(fold_of(trial), Fold()).samples
            line.append(f"{'':{GAP}}{'' if samples is None else count(samples):>{len('samples')}}", dim)
        status = watch.status_of(trial)
        if status == "failed":
            room = self._width - line.cell_len - GAP - (TIME_CELLS + GAP if self._has_time else 0)
            line.append(f"{'':{GAP}}{widget.glyphs.cut(trial.reason, max(room, 0))}", plain)
        elif self._has_status:
            line.append(f"{'':{GAP}}{status}", plain)
        if self._has_time:
            line.pad_right(self._width - line.cell_len - TIME_CELLS)
            line.append(f"{time_cell(watch, trial):>{TIME_CELLS}}", dim)
        return line
