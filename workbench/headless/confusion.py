"""A confusion matrix in text, where it fits, and else the classes that are most often taken for others."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from workbench.processes.evaluation import Confused
from workbench.units import count

MOST_PAIRS = 10
NAME_CELLS = 16
ROWS = "confusion (rows: true class; columns: predicted class)"


def confusion_lines(
    matrix: list[list[int]] | None, classes: Sequence[str], confused: Sequence[Confused], width: int
) -> tuple[str, list[str]]:
    """A title and lines of at most `width` cells; no lines where nothing is confused and there is no matrix.

    matrix: rows are true classes, columns predictions; None with many classes, or without classes.
    """
    if matrix is not None:
        names = [_short(name) for name in classes] or [str(number) for number in range(len(matrix))]
        numbered = [f"{number} {name}" for number, name in enumerate(names, 1)]
        for rows, columns in ((names, names), (numbered, [str(number) for number in range(1, len(names) + 1)])):
            lines = _matrix(matrix, rows, columns)
            if max(map(cell_len, lines)) <= width:
                return ROWS, lines
    pairs = [f"{each.true} predicted as {each.predicted}: {count(each.samples)}" for each in confused[:MOST_PAIRS]]
    return "most often confused", pairs


def _matrix(matrix: list[list[int]], rows: Sequence[str], columns: Sequence[str]) -> list[str]:
    cells = [[str(number) if number else "." for number in row] for row in matrix]
    widths = [max(map(cell_len, (name, *column))) for name, *column in zip(columns, *cells, strict=True)]
    first = max(map(cell_len, rows))
    head = " ".join([" " * first, *(_right(name, width) for name, width in zip(columns, widths, strict=True))])
    body = [
        " ".join([f"{name}{' ' * (first - cell_len(name))}", *map(_right, row, widths)])
        for name, row in zip(rows, cells, strict=True)
    ]
    return [head, *body]


def _right(text: str, width: int) -> str:
    return f"{' ' * (width - cell_len(text))}{text}"


def _short(name: str) -> str:
    name = " ".join(name.split()) or repr(name)
    return name if len(name) <= NAME_CELLS else f"{name[: NAME_CELLS - 1]}…"
