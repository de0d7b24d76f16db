"""Draws a confusion matrix in cells: a number each, on a background that shows its fraction of the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from workbench.ui.live.class_labels import row_and_column_names
from workbench.ui.live.confusion import Matrix
from workbench.ui.look.heat import LEVELS, level_of
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.scrolling import in_view

RIGHT, WRONG = "train", "warning"
"""The colours of the diagonal and of all else."""
SHADES = (" ", "░", "▒", "▓")
ASCII_SHADES = (" ", ".", "o", "#")
MOST_NAME_CELLS = 14
MOST_CELLS, MOST_ROWS = 8, 4
"""Of a cell of the matrix."""
SHADED_CELLS = 2
"""Of a cell that has no number."""
MARGIN_CELLS = 11
"""At the right, for the recall of each class."""
NOTHING = "."


@dataclass(frozen=True)
class Plan:
    """How a matrix is laid out."""

    left: int
    """Cells for the names of rows, with a blank behind them."""
    cells: int
    """Width of a cell of the matrix."""
    rows: int
    """Its height."""
    numbers: bool
    """Whether cells have numbers; else shades."""
    down: range
    """The rows of the matrix in view."""
    across: range
    """The columns in view."""
    has_margins: bool
    row_names: Sequence[str]
    column_names: Sequence[str]

    @property
    def is_whole(self) -> bool:
        """Whether all of the matrix is in view."""
        return len(self.down) == len(self.across) == len(self.row_names)


def plan_of(matrix: Matrix, width: int, height: int | None = None, most_cells: int = MOST_CELLS) -> Plan:
    """The layout in that many cells; what does not fit is around the cursor. height: None for as many as needed.

    Cells get numbers where all of them fit, and are as large as there is room for.
    """
    for margin in (MARGIN_CELLS, 0) if matrix.has_margins else (0,):
        if plan := _with_numbers(matrix, width - margin, height, most_cells, has_margins=margin > 0):
            return plan
    size = len(matrix.counts)
    left = _left(matrix.names)
    cells = min(max((width - left) // size, 1), SHADED_CELLS)
    row, column = matrix.cursor or (0, 0)
    down = in_view(row, size, size if height is None else height)
    across = in_view(column, size, (width - left) // cells)
    return Plan(left, cells, 1, False, down, across, False, matrix.names, matrix.names)


def _with_numbers(matrix: Matrix, width: int, height: int | None, most_cells: int, *, has_margins: bool) -> Plan | None:
    """The layout with a number in each cell; None where they do not fit beside each other."""
    size = len(matrix.counts)
    digits = max((len(str(value)) for row in matrix.counts for value in row), default=1)
    cells = min((width - _left(matrix.names)) // size, most_cells)
    rows, columns = row_and_column_names(matrix.names, max(cells - 1, 0))
    left = _left(rows)  # more, where classes have numbers
    cells = min((width - left) // size, cells)
    if cells <= digits:
        return None
    room = size if height is None else max(height - 1 - has_margins, 1)  # heads above, precision below
    high = 1 if height is None else min(max(room // size, 1), MOST_ROWS, max(cells // 2, 1))
    down = in_view(0 if matrix.cursor is None else matrix.cursor[0], size, room // high)
    return Plan(left, cells, high, True, down, range(size), has_margins, rows, columns)


def _left(names: Sequence[str]) -> int:
    """Cells for the names of rows, with a blank behind them."""
    return min(max(map(cell_len, names), default=0), MOST_NAME_CELLS) + 1


def matrix_lines(matrix: Matrix, plan: Plan, on: LineWidget) -> list[Text]:
    """The lines of the matrix; `on` is the widget that shows them."""
    lines = [_heads(matrix, plan, on)] if plan.numbers else []
    for row in plan.down:
        lines += _row(matrix, row, plan, on)
    if plan.has_margins:
        lines.append(_precisions(matrix, plan, on))
    return lines


def _heads(matrix: Matrix, plan: Plan, on: LineWidget) -> Text:
    dim, strong = on.style_of("dim"), on.style_of("accent") + on.style_of("strong").without_color
    line = Text(" " * plan.left)
    for column in plan.across:
        is_here = matrix.cursor is not None and column == matrix.cursor[1]
        line.append(
            _centred(on.glyphs.cut(plan.column_names[column], plan.cells - 1), plan.cells), strong if is_here else dim
        )
    if plan.has_margins:
        line.append(f"{'recall':>{MARGIN_CELLS}}", dim)
    return line


def _row(matrix: Matrix, row: int, plan: Plan, on: LineWidget) -> list[Text]:
    """A row of the matrix, on as many lines as its cells are high; the numbers stand in the middle."""
    dim, strong = on.style_of("dim"), on.style_of("accent") + on.style_of("strong").without_color
    is_here = matrix.cursor is not None and row == matrix.cursor[0]
    name = set_cell_size(on.glyphs.cut(plan.row_names[row], plan.left - 1), plan.left)
    counts = matrix.counts[row]
    total = sum(counts)
    lines = []
    for place in range(plan.rows):
        is_middle = place == (plan.rows - 1) // 2
        line = Text.assemble((name, strong if is_here else dim) if is_middle else " " * plan.left)
        for column in plan.across:
            shown, style = _cell(matrix, row, column, counts[column] / total if total else 0.0, plan, on)
            line.append(shown if is_middle or not plan.numbers else " " * plan.cells, style)
        if plan.has_margins and is_middle:
            recall = f"{100 * counts[row] / total:.1f} %" if total else "-"
            line.append(f"{recall:>{MARGIN_CELLS}}", on.style_of("text") if is_here else dim)
        lines.append(line)
    return lines


def _cell(matrix: Matrix, row: int, column: int, fraction: float, plan: Plan, on: LineWidget) -> tuple[str, Style]:
    """The middle line of a cell, and its style."""
    value = matrix.counts[row][column]
    heat = on.heat.style(RIGHT if row == column else WRONG, fraction)
    is_here = matrix.cursor == (row, column)
    here = Style(reverse=True) + on.style_of("strong")
    if not plan.numbers:
        if is_here:
            return set_cell_size(on.glyphs.dot, plan.cells), here
        shades = ASCII_SHADES if on.glyphs.ascii else SHADES
        shade = shades[-(-level_of(fraction) * (len(shades) - 1) // LEVELS)]
        # Where there are colours, the shade has the one that lies behind it; where there are none, it is seen alone.
        return shade * plan.cells, heat if heat.bgcolor is None else Style(color=heat.bgcolor, bgcolor=heat.bgcolor)
    number = str(value) if value else NOTHING
    if is_here:
        marked = f"[{number}]" if len(number) + 2 <= plan.cells else number
        return _centred(marked, plan.cells), here
    return _centred(number, plan.cells), heat if value else on.style_of("line")


def _precisions(matrix: Matrix, plan: Plan, on: LineWidget) -> Text:
    dim = on.style_of("dim")
    line = Text(" " * plan.left)
    times = [sum(row[column] for row in matrix.counts) for column in plan.across]
    shares = [
        f"{100 * matrix.counts[column][column] / predicted:.0f}" if predicted else "-"
        for column, predicted in zip(plan.across, times, strict=True)
    ]
    sign = " %" if all(len(share) + 2 < plan.cells for share in shares) else ""
    for column, share in zip(plan.across, shares, strict=True):
        is_here = matrix.cursor is not None and column == matrix.cursor[1]
        said = share if share == "-" else share + sign
        line.append(_centred(said, plan.cells), on.style_of("text") if is_here else dim)
    return line.append(f"{'precision':>{MARGIN_CELLS}}", dim)


def _centred(text: str, cells: int) -> str:
    """The text in the middle of so many cells; a blank that cannot be halved stands at the right."""
    return set_cell_size(f"{' ' * (max(cells - cell_len(text), 0) // 2)}{text}", cells)
