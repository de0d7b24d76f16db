"""The table of a batch scan: throughput, time of a step and memory of each batch size, with a bar."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.processes.batch_scan import Measured
from workbench.ui.panels.panel import LineWidget
from workbench.units import milliseconds, rate, size

COLUMNS = "{:>10}  {:>9}  {:>8}  {:>9}  "
NAMES_CELLS = 14
"""Cells kept free beside the longest bar, for what a batch size is called."""


class BatchSizesView(LineWidget, can_focus=True):
    """A row for each batch size; scrolls so that the selected one is seen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._measured: Sequence[Measured] = ()
        self._names: dict[int, str] = {}
        self._selected: int | None = None

    def show(self, measured: Sequence[Measured], names: dict[int, str], selected: int | None) -> None:
        """Shows the batch sizes; names: of some of them; selected: the batch size under the cursor."""
        self._measured, self._names, self._selected = list(measured), names, selected
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        header = COLUMNS.format("batch size", "samples/s", "step", "memory")
        rows = [self._row(each, width) for each in self._measured]
        sizes = [each.batch_size for each in self._measured]
        at = sizes.index(self._selected) if self._selected in sizes else len(rows) - 1
        first = max(min(at - (height - 1) // 2, len(rows) - (height - 1)), 0)
        return [Text(header, self.style_of("dim")), *rows[first : first + height - 1]]

    def _row(self, each: Measured, width: int) -> Text:
        memory = "-" if each.peak_bytes is None else size(each.peak_bytes)
        if each.samples_per_second is None or each.step_ms is None:
            figures = COLUMNS.format(each.batch_size, "-", "-", memory)
            return Text.assemble((figures, self.style_of("dim")), (each.problem, self.style_of("warning")))
        figures = COLUMNS.format(each.batch_size, rate(each.samples_per_second), milliseconds(each.step_ms), memory)
        best = max(other.samples_per_second or 0.0 for other in self._measured)
        cells = max(width - len(figures) - NAMES_CELLS, 4)
        is_selected = each.batch_size == self._selected
        style = self.style_of("strong") + self.style_of("cursor") if is_selected else self.style_of("text")
        return Text.assemble(
            (figures[:-1], style),
            " ",
            (self.glyphs.block * max(round(cells * each.samples_per_second / best), 1), self.style_of("train")),
            (f" {self._names.get(each.batch_size, '')}", self.style_of("warning")),
        )
