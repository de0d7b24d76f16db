"""The table of trials as lines of text: the titles of its columns, and a line for each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.style import Style
from rich.text import Text

from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import LETTERS, Searched, StudyWatch, finite
from workbench.ui.live.study_words import differs, setting_label, value_words
from workbench.ui.panels.bars import curve_line
from workbench.ui.panels.panel import LineWidget
from workbench.units import duration

BEST_STYLES = ("train", "validation", "overlay-1")
"""Of the trials with a letter, in their order."""
STATUS_STYLES = {
    "running": "good",
    "completed": "text",
    "failed": "error",
    "paused": "accent",
    "interrupted": "warning",
}
GAP = 2
SPARK_CELLS, TIME_CELLS, STATUS_CELLS = 8, 9, len("interrupted")
SPARK_FROM, TIME_FROM, STATUS_FROM = 50, 60, 84
"""Widths from which the sparkline, the time, and the state as a word are shown."""
MOST_SETTING_CELLS = 13


class Painter(Protocol):
    """Draws trials in columns."""

    def titles(self) -> Text:
        """The titles of the columns."""

    def line(self, trial: TrialView, *, is_marked: bool) -> Text:
        """A trial."""


class LineStart:
    """What begins the line of any trial: its letter if it is one of the best, its mark, its state, its number."""

    TITLE = "       #"

    def __init__(self, watch: StudyWatch, widget: LineWidget) -> None:
        """widget: gives styles and glyphs."""
        self._watch = watch
        self._widget = widget

    def style(self, trial: TrialView) -> Style:
        """Of all that is said of the trial."""
        status, letter = self._watch.status_of(trial), self._watch.letter(trial)
        if letter:
            return self._widget.style_of(BEST_STYLES[LETTERS.index(letter)])
        is_faint = status in ("discarded", "failed") or trial.repeats is not None
        return self._widget.style_of("dim" if is_faint else "text")

    def text(self, trial: TrialView, *, is_marked: bool) -> Text:
        """The first columns."""
        widget, plain, status = self._widget, self.style(trial), self._watch.status_of(trial)
        strong = widget.style_of("strong").without_color
        mark = (widget.glyphs.right, widget.style_of("accent")) if is_marked else (" ", plain)
        return Text.assemble(
            (self._watch.letter(trial) or " ", plain + strong),
            (mark[0], mark[1] + strong),
            (f"{self._glyph(status)} ", widget.style_of(STATUS_STYLES.get(status, "dim"))),
            (f"{trial.number:>4}{' ' * GAP}", plain),
        )

    def _glyph(self, status: str) -> str:
        glyphs = self._widget.glyphs
        return {
            "running": glyphs.state,
            "completed": glyphs.done,
            "failed": glyphs.wrong,
            "discarded": glyphs.discarded,
        }.get(status, glyphs.waiting)


@dataclass(frozen=True)
class Widths:
    """Cells of the columns whose width depends on what they hold; 0: the column is left out."""

    value: int
    setting: int
    spark: int
    status: int
    time: int


class TrialPainter:
    """Draws the trials of a search, a queue or a repeat: their value, and the settings that differ."""

    def __init__(
        self, watch: StudyWatch, setting: Searched | None, trials: Sequence[TrialView], width: int, widget: LineWidget
    ) -> None:
        """setting: the one with a column of its own. trials: all of them, by which columns are as wide as needed."""
        self._watch, self._setting, self._width, self._widget = watch, setting, width, widget
        self._start = LineStart(watch, widget)
        self._widths = self._fitting(trials)

    def _fitting(self, trials: Sequence[TrialView]) -> Widths:
        metric, width = self._watch.view.metric, self._width
        values = [value_cell(self._watch, trial) for trial in trials]
        label = "" if metric is None else f"{metric.label}{metric.unit}"
        setting = [self._setting_value(trial) for trial in trials]
        title = "" if self._setting is None else setting_label(self._setting.path)
        return Widths(
            value=max([len(label), 5, *map(len, values)]),
            setting=min(max(map(len, [title, *setting])), MOST_SETTING_CELLS),
            spark=SPARK_CELLS if width >= SPARK_FROM else 0,
            status=STATUS_CELLS if width >= STATUS_FROM else 0,
            time=TIME_CELLS if width >= TIME_FROM else 0,
        )

    def titles(self) -> Text:
        metric, widths, widget = self._watch.view.metric, self._widths, self._widget
        cells = [LineStart.TITLE, f"{'' if metric is None else metric.label + metric.unit:>{widths.value}}"]
        if widths.spark:
            cells.append(f"{'':<{widths.spark}}")
        if self._setting is not None:
            cells.append(f"{widget.glyphs.cut(setting_label(self._setting.path), widths.setting):<{widths.setting}}")
        if widths.status:
            cells.append(f"{'state':<{widths.status}}")
        cells.append("differs")
        line = Text((" " * GAP).join(cells), widget.style_of("dim"))
        if widths.time:
            line.pad_right(self._width - line.cell_len - widths.time)
            line.append(f"{'time':>{widths.time}}")
        return line

    def line(self, trial: TrialView, *, is_marked: bool) -> Text:
        watch, widths, widget = self._watch, self._widths, self._widget
        plain, status = self._start.style(trial), watch.status_of(trial)
        strong = widget.style_of("strong").without_color
        line = self._start.text(trial, is_marked=is_marked)
        value = f"{value_cell(watch, trial):>{widths.value}}"
        line.append(value, plain + strong if watch.letter(trial) else plain)
        if widths.spark:
            drawn = (
                plain if watch.letter(trial) else widget.style_of("dim")
            )  # a table of bright blocks would be all there is
            line.append(f"{'':{GAP}}{spark_cell(trial, widget):<{widths.spark}}", drawn)
        if self._setting is not None:
            value = widget.glyphs.cut(self._setting_value(trial), widths.setting)
            line.append(f"{'':{GAP}}{value:<{widths.setting}}", plain)
        if widths.status:
            line.append(f"{'':{GAP}}{status:<{widths.status}}", plain)
        words = trial.reason if status == "failed" else self._differs(trial)
        room = self._width - line.cell_len - GAP - (widths.time + GAP if widths.time else 0)
        line.append(f"{'':{GAP}}{widget.glyphs.cut(words, max(room, 0))}", plain)
        if widths.time:
            line.pad_right(self._width - line.cell_len - widths.time)
            line.append(f"{time_cell(watch, trial):>{widths.time}}", widget.style_of("dim"))
        return line

    def _setting_value(self, trial: TrialView) -> str:
        value = None if self._setting is None else trial.settings.get(self._setting.path)
        return "" if value is None else value_words(value)

    def _differs(self, trial: TrialView) -> str:
        return differs(self._watch, trial, "" if self._setting is None else self._setting.path)


def value_cell(watch: StudyWatch, trial: TrialView) -> str:
    """The best value; of a trial that continues, the last one."""
    metric = watch.view.metric
    if metric is None:
        return ""
    values = finite(trial.values)
    value = values[-1][1] if values and trial.status == "running" else trial.best(metric)
    return ("nan" if trial.values else "") if value is None else metric.number(value)


def spark_cell(trial: TrialView, widget: LineWidget) -> str:
    """The values after each epoch, between the least and the greatest of them."""
    return curve_line([value for _, value in finite(trial.values)], SPARK_CELLS, widget.glyphs)


def time_cell(watch: StudyWatch, trial: TrialView) -> str:
    """How long a trial has been trained."""
    seconds = watch.view.seconds_of(trial)
    return duration(seconds) if seconds else ""
