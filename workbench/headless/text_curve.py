"""A small curve as plain text, for a terminal or a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

ROWS, COLUMNS = 10, 64
CODES = re.compile(r"\x1b\[[0-9;]*m")
"""Of colours, which plotext writes even where there are none."""


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
    lines = []
    picture = _drawn([values[place] for place in places], [(lowest[at], highest[at]) for at in places], (bottom, top))
    for number, line in enumerate(picture):
        label = f"{top - (top - bottom) * number / (ROWS - 1):.3g}" if number in (0, ROWS - 1) else ""
        lines.append(f"{label:>8} |{line}".rstrip())
    axis = ["-"] * columns
    for letter, place in marks.items():
        axis[_nearest_free(axis, round(place * (columns - 1) / max(len(values) - 1, 1)))] = letter
    lines.append(f"{'':>8} +{''.join(axis)}")
    gap = max(columns - len(ends[0]) - len(ends[1]), 1)
    lines.append(f"{'':>10}{ends[0]}{' ' * gap}{ends[1]}")
    return lines


def _drawn(values: Sequence[float], ranges: Sequence[tuple[float, float]], ends: tuple[float, float]) -> list[str]:
    """The rows of the canvas, a column for each value: what plotext draws, without its axes and colours."""
    import plotext  # only where a curve is printed: it takes a fifth of a second

    plotext.terminal.limit(False, False)
    figure, (bottom, top) = plotext.figure, ends

    def heights(values: Sequence[float]) -> list[float]:
        return [(value - bottom) / ((top - bottom) or 1.0) for value in values]

    figure.clear()
    figure.plot_size(len(values), ROWS)
    figure.axes(active=False)
    figure.canvas("default")
    figure.ruler("x").lim(0, max(len(values) - 1, 1))
    figure.ruler("y").lim(0, 1)
    for axis in ("x", "y"):
        figure.ruler(axis).ticks([], [])
    for column, pair in enumerate(ranges):
        line = figure.signal([column, column], heights(pair), marker=plotext.marker(":"))
        line.lines(True)
        figure.draw(line)
    figure.draw(figure.signal(list(range(len(values))), heights(values), marker=plotext.marker("*")))
    return [line.ljust(len(values)) for line in CODES.sub("", figure.build().string()).split("\n")[:ROWS]]


def _nearest_free(axis: Sequence[str], column: int) -> int:
    """The column, or the nearest without a letter, so that of two marks at one place both are seen."""
    free = [each for each, cell in enumerate(axis) if cell == "-"] or [column]
    return min(free, key=lambda each: abs(each - column))
