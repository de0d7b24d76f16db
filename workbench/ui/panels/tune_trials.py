"""The table of a study's trials, the best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import LETTERS, Searched, StudyWatch, finite
from workbench.ui.live.study_words import differs, setting_label, value_words
from workbench.ui.panels.bars import sparkline
from workbench.ui.panels.panel import Panel
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
SPARK_CELLS = 8
SPARK_FROM, TIME_FROM, STATUS_FROM = 50, 60, 84
"""Widths from which the sparkline, the time, and the state as a word are shown."""
MOST_SETTING_CELLS = 13


@dataclass(frozen=True)
class Widths:
    """Cells of the columns whose width depends on what they hold; 0: the column is left out."""

    value: int
    setting: int
    spark: int
    status: int
    time: int


class TrialsPanel(Panel):
    """Trials, a line each; one under the cursor."""

    KEYS = (("up down", "another trial"), ("enter", "open it as a run"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
    ]

    class Moved(Message):
        """Another trial is under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._watch: StudyWatch | None = None
        self._setting: Searched | None = None
        self._trials: list[TrialView] = []
        self._cursor = self._offset = 0
        self._has_moved = False
        """Whether the user chose a trial; before that, the cursor stays on the best."""
        self._empty = ""

    def show(self, watch: StudyWatch | None, setting: Searched | None, empty: str) -> None:
        """Shows the trials; the cursor stays on its trial.

        setting: the one with a column of its own; empty: what stands there without trials.
        """
        before = self.current
        if self._watch is not watch:
            self._has_moved, before = False, None
        self._watch, self._setting, self._empty = watch, setting, empty
        self._trials = [] if watch is None else watch.ordered()
        numbers = [trial.number for trial in self._trials]
        if self._has_moved and before is not None and before.number in numbers:
            self._cursor = numbers.index(before.number)
        elif not self._has_moved:
            self._cursor = 0
        self._cursor = min(self._cursor, max(len(numbers) - 1, 0))
        self.redraw()

    @property
    def current(self) -> TrialView | None:
        """The trial under the cursor."""
        return self._trials[self._cursor] if self._cursor < len(self._trials) else None

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        self._has_moved = True
        self._cursor = min(max(self._cursor + rows, 0), max(len(self._trials) - 1, 0))
        self.redraw()
        self.post_message(self.Moved())

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.action_move(-3)

    def on_click(self, event: events.Click) -> None:
        """A click selects a trial."""
        line = self._offset + event.y - 2
        if event.y >= 2 and line < len(self._trials):
            self.action_move(line - self._cursor)

    # Drawing.

    @property
    def _room(self) -> int:
        return max(self.size.height - 3, 1)

    def heading(self) -> Text:
        return Text("trials", self.style_of("strong"))

    def footing(self) -> Text:
        below = len(self._trials) - self._offset - self._room
        parts = [f"{self._offset} above"] if self._offset else []
        parts += [f"{below} below"] if below > 0 else []
        return Text(", ".join(parts), self.style_of("dim"))

    def lines(self, width: int, height: int) -> list[Text]:
        self._offset = min(max(self._offset, self._cursor - self._room + 1), self._cursor)
        self._offset = max(min(self._offset, len(self._trials) - self._room), 0)
        return super().lines(width, height)

    def content(self, width: int, height: int) -> list[Text]:
        watch = self._watch
        if watch is None or not self._trials:
            return self.placeholder(self._empty, width)
        shown = self._trials[self._offset : self._offset + self._room]
        widths = self._widths(watch, width)
        lines = [self._titles(watch, widths, width)]
        for number, trial in enumerate(shown):
            line = self._line(watch, trial, widths, width)
            if self._offset + number == self._cursor:
                line.pad_right(width - line.cell_len)
                line.stylize(self.style_of("cursor"))
            lines.append(line)
        return lines

    def _widths(self, watch: StudyWatch, width: int) -> Widths:
        metric = watch.view.metric
        values = [self._value(watch, trial) for trial in self._trials]
        label = "" if metric is None else f"{metric.label}{metric.unit}"
        setting = [self._setting_value(trial) for trial in self._trials]
        title = "" if self._setting is None else setting_label(self._setting.path)
        return Widths(
            value=max([len(label), 5, *map(len, values)]),
            setting=min(max(map(len, [title, *setting])), MOST_SETTING_CELLS),
            spark=SPARK_CELLS if width >= SPARK_FROM else 0,
            status=len("interrupted") if width >= STATUS_FROM else 0,
            time=9 if width >= TIME_FROM else 0,
        )

    def _titles(self, watch: StudyWatch, widths: Widths, width: int) -> Text:
        metric = watch.view.metric
        cells = ["       #", f"{'' if metric is None else metric.label + metric.unit:>{widths.value}}"]
        if widths.spark:
            cells.append(f"{'':<{widths.spark}}")
        if self._setting is not None:
            cells.append(f"{self.glyphs.cut(setting_label(self._setting.path), widths.setting):<{widths.setting}}")
        if widths.status:
            cells.append(f"{'state':<{widths.status}}")
        cells.append("differs")
        line = Text((" " * GAP).join(cells), self.style_of("dim"))
        if widths.time:
            line.pad_right(width - line.cell_len - widths.time)
            line.append(f"{'time':>{widths.time}}")
        return line

    def _line(self, watch: StudyWatch, trial: TrialView, widths: Widths, width: int) -> Text:
        status, letter = watch.status_of(trial), watch.letter(trial)
        is_faint = status in ("discarded", "failed") or trial.repeats is not None
        plain = self.style_of(BEST_STYLES[LETTERS.index(letter)]) if letter else self.style_of("dim")
        if not letter and not is_faint:
            plain = self.style_of("text")
        strong = self.style_of("strong").without_color
        line = Text.assemble(
            (f"{letter or ' '} ", plain + strong),
            (f"{self._glyph(status)} ", self.style_of(STATUS_STYLES.get(status, "dim"))),
            (f"{trial.number:>4}{' ' * GAP}", plain),
            (f"{self._value(watch, trial):>{widths.value}}", plain + strong if letter else plain),
        )
        if widths.spark:
            line.append(f"{'':{GAP}}{self._spark(trial):<{widths.spark}}", plain)
        if self._setting is not None:
            value = self.glyphs.cut(self._setting_value(trial), widths.setting)
            line.append(f"{'':{GAP}}{value:<{widths.setting}}", plain)
        if widths.status:
            line.append(f"{'':{GAP}}{status:<{widths.status}}", plain)
        words = trial.reason if status == "failed" else self._differs(watch, trial)
        room = width - line.cell_len - GAP - (widths.time + GAP if widths.time else 0)
        line.append(f"{'':{GAP}}{self.glyphs.cut(words, max(room, 0))}", plain)
        if widths.time:
            line.pad_right(width - line.cell_len - widths.time)
            line.append(f"{self._time(watch, trial):>{widths.time}}", self.style_of("dim"))
        return line

    def _glyph(self, status: str) -> str:
        glyphs = self.glyphs
        return {
            "running": glyphs.state,
            "completed": glyphs.done,
            "failed": glyphs.wrong,
            "discarded": glyphs.discarded,
        }.get(status, glyphs.waiting)

    def _value(self, watch: StudyWatch, trial: TrialView) -> str:
        """The best value; of a trial that goes on, the last one."""
        metric = watch.view.metric
        if metric is None:
            return ""
        values = finite(trial.values)
        value = values[-1][1] if values and trial.status == "running" else trial.best(metric)
        return ("nan" if trial.values else "") if value is None else metric.number(value)

    def _setting_value(self, trial: TrialView) -> str:
        value = None if self._setting is None else trial.settings.get(self._setting.path)
        return "" if value is None else value_words(value)

    def _differs(self, watch: StudyWatch, trial: TrialView) -> str:
        return differs(watch, trial, "" if self._setting is None else self._setting.path)

    def _spark(self, trial: TrialView) -> str:
        """The values after each epoch, between the least and the greatest of them."""
        values = [value for _, value in finite(trial.values)]
        if len(values) < 2:
            return ""
        if len(values) > SPARK_CELLS:
            last = len(values) - 1
            values = [values[round(place * last / (SPARK_CELLS - 1))] for place in range(SPARK_CELLS)]
        low, high = min(values), max(values)
        return sparkline([(value - low) / ((high - low) or 1.0) + 0.05 for value in values], SPARK_CELLS, self.glyphs)

    def _time(self, watch: StudyWatch, trial: TrialView) -> str:
        if watch.status_of(trial) == "running":
            return duration(trial.seconds + max(watch.now - trial.began, 0.0))
        return duration(trial.seconds) if trial.seconds else ""
