"""The confusion matrix of the Judge screen, with a cursor, and the samples of the cell that it is on."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message

from workbench.ui.live.confusion import Matrix, mistakes
from workbench.ui.panels.bars import flow
from workbench.ui.panels.confusion_lines import Plan, matrix_lines, plan_of
from workbench.ui.panels.judge_panel import JudgePanel
from workbench.units import count

MOST_PAIRS = 6
MOST_CELLS = 11
BORDER_CELLS = 2
"""The border and the blank beside it."""


class ConfusionPanel(JudgePanel):
    """Rows are true classes, columns what they are predicted as."""

    class Clicked(Message):
        """A cell was clicked."""

        def __init__(self, cell: tuple[int, int]) -> None:
            """cell: row and column."""
            super().__init__()
            self.cell = cell

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._matrix: Matrix | None = None
        self._is_sorted = True

    def show(self, matrix: Matrix | None, *, is_sorted: bool) -> None:
        """matrix: with its cursor; is_sorted: whether confused classes stand side by side."""
        self._matrix, self._is_sorted = matrix, is_sorted
        self.redraw()

    def heading(self) -> Text:
        text = Text("confusion", self.style_of("strong"))
        how = "confused classes side by side" if self._is_sorted else "classes in their own order"
        return self.first_fitting(
            Text.assemble(text, (f"  {words}", self.style_of("dim"))) if words else text
            for words in (f"true class by row, predicted by column, {how}", "true by row, predicted by column", "")
        )

    @property
    def _plan(self) -> Plan:
        assert self._matrix is not None
        return plan_of(self._matrix, self.size.width - 2 * BORDER_CELLS, self.size.height - 2, MOST_CELLS)

    def content(self, width: int, height: int) -> list[Text]:
        matrix = self._matrix
        if matrix is None:
            return self.placeholder("there are more classes than a matrix can show: 2 has their curves", width)
        lines = matrix_lines(matrix, self._plan, self)
        room = height - len(lines) - 1
        return [*lines, Text(), *self._pairs(matrix, width)[:room]] if room > 1 else lines

    def on_click(self, event: events.Click) -> None:
        """Says which cell was clicked."""
        if self._matrix is None:
            return
        plan = self._plan
        down = (event.y - 1 - plan.numbers) // plan.rows
        across = (event.x - BORDER_CELLS - plan.left) // plan.cells
        if 0 <= down < len(plan.down) and 0 <= across < len(plan.across):
            self.post_message(self.Clicked((plan.down[down], plan.across[across])))

    def _pairs(self, matrix: Matrix, width: int) -> list[Text]:
        """The pairs that are confused most, in words."""
        names, dim = matrix.names, self.style_of("dim")
        found = mistakes(matrix)
        if not found:
            return [Text("nothing is confused", self.style_of("good"))]
        said = [
            Text.assemble(f"{names[true]} as {names[taken]}: ", (count(value), self.style_of("warning")))
            for value, true, taken in found[:MOST_PAIRS]
        ]
        return flow([Text("most confused:", dim), *said], width)

    def footing(self) -> Text:
        matrix = self._matrix
        if matrix is None:
            return Text()
        size = len(matrix.counts)
        plan = self._plan
        if plan.is_whole:
            return Text()
        seen = f"classes {plan.down.start + 1} to {plan.down.stop} of {size}"
        return Text(f"{seen}: the cursor moves them", self.style_of("dim"))
