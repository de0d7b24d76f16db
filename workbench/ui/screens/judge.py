"""The Judge screen: every key, and what it shows of a model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.worker import WorkerFailed

from workbench.errors import WorkbenchError
from workbench.ui.keys.action import Action, bindings
from workbench.ui.keys.copying import Copied
from workbench.ui.keys.judge_actions import ACTIONS, MOVES, OTHER_KEYS
from workbench.ui.live.judged_run import JudgedRun
from workbench.ui.panels.judge_confusion import ConfusionPanel
from workbench.ui.screens.judge_view import CONFUSION, CURVES, FIT, SAMPLES, JudgeBase

FAR = 10**6
"""Beyond the last of anything that a cursor moves over."""


class JudgeScreen(JudgeBase):
    """Shows how good the model of a run is, and where it is wrong."""

    ACTIONS: ClassVar[Sequence[Action]] = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(ACTIONS),
        *(Binding(key, action, show=False) for key, action in MOVES),
    ]

    # Pages and cursors.

    def action_page(self, number: int) -> None:
        """Brings up a page."""
        if number < len(self.pages):
            self._page = number
            self._changed()
            self._focus_page()

    def action_move(self, right: int, down: int) -> None:
        """Moves the cursor of the page."""
        if self.judgement is None:
            return
        if self.page is CONFUSION and self.counts:
            last = len(self.counts) - 1
            row, column = self._cell
            self._cell = _within(row + down, last), _within(column + right, last)
        elif self.page is SAMPLES:
            self._move_in_samples(right, down)
        else:
            self._chart += right
            if self.page is FIT:
                self._target = _within(self._target + down, len(self.judgement.fits) - 1)
            elif self.page is CURVES:
                self._curve = _within(self._curve + down, len(self.judgement.curves) - 1)
        self._changed()

    def _move_in_samples(self, right: int, down: int) -> None:
        if right:
            self._choice, self._sample = (self._choice + right) % len(self._choices), 0
        elif self.samples is not None:
            self._sample = _within(self._sample + down, len(self.samples.samples) - 1)

    def action_edge(self, direction: int) -> None:
        """Moves the cursor to the first or the last of all: in the matrix, of the row."""
        if self.page is CONFUSION:
            self.action_move(direction * FAR, 0)
        else:
            self.action_move(0, direction * FAR)

    def action_open(self) -> None:
        """Shows the samples of the cell under the cursor."""
        if self.page is CONFUSION and self.counts:
            choice = self.cell
            self._choices = [*(each for each in self._choices if each.which != "cell"), choice]
            self._choice, self._sample = len(self._choices) - 1, 0
            self.action_page(self.pages.index(SAMPLES))

    @on(ConfusionPanel.Clicked)
    def _cell_clicked(self, message: ConfusionPanel.Clicked) -> None:
        """A click moves the cursor; one more opens the cell."""
        if message.cell == self._cell:
            self.action_open()
        else:
            self._cell = message.cell
            self._changed()

    def action_sort(self) -> None:
        """Shows the classes in their own order, or confused ones side by side; the cursor stays on its cell."""
        if self.counts:
            cell = self.cell
            self._is_sorted = not self._is_sorted
            self.put_in_order()
            self._cell = self.order.index(cell.true), self.order.index(cell.predicted)
            self._changed()

    # What is judged.

    def action_next_split(self) -> None:
        """Judges another split."""
        splits = self._run.splits
        self._split = splits[(splits.index(self._split) + 1) % len(splits)]
        self._judge()

    @work(exclusive=True, group="again")
    async def action_again(self) -> None:
        """Judges the checkpoint as it is now."""
        run = self._run.run
        try:
            read = self.run_worker(lambda: JudgedRun.read(run), thread=True, exit_on_error=False)
            self._run = await read.wait()
        except WorkerFailed as failed:
            if not isinstance(failed.error, WorkbenchError):
                raise
            self.say(str(failed.error), "error")
            return
        if self._split not in self._run.splits:
            self._split = self._run.splits[0]
        self._judge()

    def _judge(self) -> None:
        """Judges what is chosen, unless it is known."""
        try:
            self._key = self._run.key(self._split)
            request = self._run.request(self._split, self._device)
        except (WorkbenchError, OSError) as error:
            self.say(str(error), "error")
            return
        self._has_newer, self._asked = False, time.monotonic()
        self._judging.turn_to(request, self._known_of(self._key))
        self._changed()

    # The screen.

    def copyable(self) -> Copied | None:
        """What the page shows, as text."""
        text = self.as_text()
        return Copied(f"{self.page.title}: {len(text.splitlines())} lines", text) if text else None

    def as_text(self) -> str:
        """What the page shows: tables with tabs, for a spreadsheet."""
        found, matrix = self.judgement, self.matrix
        if found is None:
            return ""
        rows: list[list[object]] = []
        if self.page is CONFUSION and matrix is not None:
            rows = [["true class", *matrix.names]]
            rows += [[name, *counts] for name, counts in zip(matrix.names, matrix.counts, strict=True)]
        elif self.page is CURVES:
            names = self.names
            rows = [["class", "samples", "AUC", "average precision"]]
            rows += [[names[each.number], each.samples, each.area, each.average_precision] for each in found.curves]
        elif self.page is SAMPLES and self.samples is not None:
            rows = [["split", "number", "loss", "true", "predicted", "probability", "from"]]
            rows += [
                [
                    each.said.split, each.said.number, each.said.loss, each.said.true or each.said.true_values,
                    each.said.predicted or each.said.predicted_values, each.said.probability, each.said.origin,
                ]
                for each in self.samples.samples
            ]  # fmt: skip
        elif self.page is FIT:
            rows = [["target", "RMSE", "MAE", "mean", "deviation"]]
            rows += [
                [each.target, each.rmse, each.mae, each.mean, each.deviation] for each in found.evaluation.residuals
            ]
        return "\n".join("\t".join("" if value is None else str(value) for value in row) for row in rows)

    def action_keys(self) -> None:
        """Shows the keys of this screen."""
        from workbench.ui.dialogs.help import HelpDialog
        from workbench.ui.keys.help import help_sections

        self.app.push_screen(HelpDialog(help_sections(ACTIONS, OTHER_KEYS)))

    def action_leave(self) -> None:
        """Returns from the samples of a cell to the matrix; else leaves the screen."""
        if self.page is SAMPLES and self.choice.which == "cell":
            self.action_page(self.pages.index(CONFUSION))
        else:
            self.dismiss(None)


def _within(place: int, last: int) -> int:
    return min(max(place, 0), max(last, 0))
