"""The table of a study's trials, the best first."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import Searched, StudyWatch
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.tune_fold_lines import FoldPainter
from workbench.ui.panels.tune_trial_lines import Painter, TrialPainter

MOST_MARKED = 4


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
        self.marked: list[int] = []
        """Numbers of the trials that are to be compared, in the order in which they were marked."""

    def show(self, watch: StudyWatch | None, setting: Searched | None, empty: str) -> None:
        """Shows the trials; the cursor stays on its trial.

        setting: the one with a column of its own; empty: what stands there without trials.
        """
        before = self.current
        if self._watch is not watch:
            self._has_moved, before, self.marked = False, None, []
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

    @property
    def marked_trials(self) -> list[TrialView]:
        """The marked trials, in the order in which they were marked."""
        by_number = {trial.number: trial for trial in self._trials}
        return [by_number[number] for number in self.marked if number in by_number]

    def mark(self) -> bool:
        """Marks the trial under the cursor, or removes its mark; False if as many are marked as can be compared."""
        if self.current is None:
            return True
        number = self.current.number
        if number in self.marked:
            self.marked.remove(number)
        elif len(self.marked) < MOST_MARKED:
            self.marked.append(number)
        else:
            return False
        self.redraw()
        return True

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
        return Text("trials" if self._watch is None else f"{self._watch.trial_word}s", self.style_of("strong"))

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
        painter: Painter
        if watch.is_folds:
            painter = FoldPainter(watch, self._trials, width, self)
        else:
            painter = TrialPainter(watch, self._setting, self._trials, width, self)
        lines = [painter.titles()]
        for number, trial in enumerate(self._trials[self._offset : self._offset + self._room]):
            line = painter.line(trial, is_marked=trial.number in self.marked)
            if self._offset + number == self._cursor:
                line.pad_right(width - line.cell_len)
                line.stylize(self.style_of("cursor"))
            lines.append(line)
        return lines
