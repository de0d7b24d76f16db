"""A small curve as plain text, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Sequence

ROWS, COLUMNS = 10, 64


def text_curve(
    values: Sequence[float],
    lowest: Sequence[float],
    highest: Sequence[float],
    marks: dict[str, int],
    ends: tuple[str, str],
) -> list[str]:
    """Draws values as `*` with the range around each as `:`, and marks below the axis.

    marks: a letter by the number of the value that it stands below; ends: what stands under the first value and under
    the last. values, lowest and highest have the same length, of at least one.
    """
    columns = min(COLUMNS, len(values))
    places = [round(column * (len(values) - 1) / max(columns - 1, 1)) for column in range(columns)]
    bottom, top = min(lowest), max(highest)
    span = (top - bottom) or 1.0

    def row_of(value: float) -> int:
        return round((value - bottom) / span * (ROWS - 1))

    cells = [[" "] * columns for _ in range(ROWS)]
    for column, place in enumerate(places):
        for row in range(row_of(lowest[place]), row_of(highest[place]) + 1):
            cells[row][column] = ":"
        cells[row_of(values[place])][column] = "*"
    lines = []
    for row in reversed(range(ROWS)):
        label = f"{bottom + span * row / (ROWS - 1):.3g}" if row in (0, ROWS - 1) else ""
        lines.append(f"{label:>8} |{''.join(cells[row])}".rstrip())
    axis = ["-"] * columns
    for letter, place in marks.items():
        axis[_nearest_free(axis, round(place * (columns - 1) / max(len(values) - 1, 1)))] = letter
    lines.append(f"{'':>8} +{''.join(axis)}")
    gap = max(columns - len(ends[0]) - len(ends[1]), 1)
    lines.append(f"{'':>10}{ends[0]}{' ' * gap}{ends[1]}")
    return lines


def _nearest_free(axis: Sequence[str], column: int) -> int:
    """The column, or the nearest without a letter, so that of two marks at one place both are seen."""
    free = [each for each, cell in enumerate(axis) if cell == "-"] or [column]
    return min(free, key=lambda each: abs(each - column))
