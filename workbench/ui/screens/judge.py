"""The Judge screen: every key, and what it shows of a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType

from workbench.errors import WorkbenchError
from workbench.ui.keys.action import Action, bindings
from workbench.ui.keys.copying import Copied
from workbench.ui.keys.judge_actions import ACTIONS, MOVES, OTHER_KEYS
from workbench.ui.live.judged_run import JudgedRun
from workbench.ui.live.judged_tables import (
    Table,
    as_text,
    curves_table,
    matrix_table,
    residuals_table,
    samples_table,
)
from workbench.ui.live.looked_at import within
from workbench.ui.panels.judge_confusion import ConfusionPanel
from workbench.ui.panels.judge_samples import SampleListPanel
from workbench.ui.screens.judge_pages import CONFUSION, CURVES, FIT, SAMPLES
from workbench.ui.screens.judge_view import JudgeBase

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
        look = self._look
        if self.page is CONFUSION:
            look.move_in_matrix(right, down)
        elif self.page is SAMPLES:
            self._move_in_samples(right, down)
        else:
            self._chart += right
            look.next_target(down)
            look.next_class(down)
        self._changed()

    def _move_in_samples(self, right: int, down: int) -> None:
        if right:
            self._choice, self._sample = (self._choice + right) % len(self._choices), 0
        elif self.samples is not None:
            self._sample = within(self._sample + down, len(self.samples.samples) - 1)

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        self.action_move(0, 1)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel moves the cursor back."""
        self.action_move(0, -1)

    @on(SampleListPanel.Clicked)
    def _sample_clicked(self, message: SampleListPanel.Clicked) -> None:
        self._sample = message.place
        self._changed()

    def action_edge(self, direction: int) -> None:
        """Moves the cursor to the first or the last of all: in the matrix, of the row."""
        far = direction * FAR
        self.action_move(*((far, 0) if self.page is CONFUSION else (0, far)))

    def action_open(self) -> None:
        """Shows the samples of the cell under the cursor."""
        if self._is_on_matrix:
            self._choices = [*self._look.kinds, self._look.cell]
            self._choice, self._sample = len(self._choices) - 1, 0
            self.action_page(self.pages.index(SAMPLES))

    @on(ConfusionPanel.Clicked)
    def _cell_clicked(self, message: ConfusionPanel.Clicked) -> None:
        """A click moves the cursor; one more opens the cell."""
        if self._look.is_at(message.cell):
            self.action_open()
        else:
            self._look.go_to(message.cell)
            self._changed()

    def action_sort(self) -> None:
        """Shows the classes in their own order, or confused ones side by side."""
        if self._is_on_matrix:
            self._look.sort()
            self._changed()

    # What is judged.

    def action_next_split(self) -> None:
        """Judges another split."""
        splits = self._run.splits
        self._split = splits[(splits.index(self._split) + 1) % len(splits)]
        self._judge()

    @work(exclusive=True, group="again")
    async def action_again(self) -> None:
        """Judges the checkpoint and the data as they are now."""
        try:
            self._run = await asyncio.to_thread(JudgedRun.read, self._run.run)
        except WorkbenchError as error:
            self.say(str(error), "error")
            return
        if self._split not in self._run.splits:
            self._split = self._run.splits[0]
        if not self._judging.problem:
            self._judging.known.forget()
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
        """What the page shows, as a table for a spreadsheet."""
        found = self.judgement
        rows: Table = []
        if self._is_on_matrix:
            rows = matrix_table(self._look.matrix)
        elif found is not None and self.page is CURVES:
            rows = curves_table(found.curves, self._look.name_of)
        elif found is not None and self.page is FIT:
            rows = residuals_table(found.evaluation.residuals)
        elif self.page is SAMPLES and self.samples is not None:
            rows = samples_table(self.samples.samples)
        return Copied(f"{self.page.title}: {len(rows)} lines", as_text(rows)) if rows else None

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
