"""Draws curves in cells, with their axes.

A new point changes few cells: the ranges of the axes are round numbers that seldom change, and a point's column depends
on its x alone, so the rest of a growing curve stays where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby

from rich.style import Style
from rich.text import Text

from workbench.plotting.scales import fraction_of, x_ticks, y_ticks
from workbench.ui.look.band import band_rows
from workbench.ui.look.canvas import Cell
from workbench.ui.look.frame import Frame, y_range_of
from workbench.ui.look.plot import Plot, Series

__all__ = ["Drawing", "Plot", "Series", "draw"]

BROKEN, BROKEN_ASCII = "×", "!"
"""Marks on the x axis where a curve becomes not finite."""


@dataclass
class Drawing:
    """The lines of a plot, and where its canvas lies within them."""

    lines: list[Text]
    left: int = 0
    columns: int = 0
    """Width of the canvas in cells."""
    x_range: tuple[float, float] = field(default=(0.0, 1.0))

    def x_of(self, column: int) -> float:
        """The x at the middle of a column of the canvas."""
        first, last = self.x_range
        return first + (last - first) * (column + 0.5) / max(self.columns, 1)

    def column_of(self, x: float) -> int:
        """The column of an x; it may lie beyond the canvas."""
        return math.floor(fraction_of(x, self.x_range) * self.columns)


def draw(plot: Plot, width: int, height: int, style_of: Callable[[str], Style]) -> Drawing:
    """Draws a plot in `width` × `height` cells; empty where that is too small to show anything."""
    rows = height - 2
    if rows < 2 or width < 12:
        return Drawing([])
    y_range = y_range_of(plot)
    ticks = y_ticks(y_range, max(rows // 4, 2), plot.log)
    left = max((len(plot.y_label(tick)) for tick in ticks), default=1) + 1
    columns = width - left - 1
    if columns < 6:
        return Drawing([])
    frame = Frame(plot, columns, rows, y_range)
    labels = {frame.row(tick): plot.y_label(tick) for tick in ticks}
    dim, line = style_of("dim"), style_of("line")
    vertical, corner = ("|", "+") if plot.ascii else ("│", "└")
    cursor = None if plot.cursor is None or not frame.shows(plot.cursor) else frame.column(plot.cursor)
    behind = Style(bgcolor=style_of(plot.band_style).bgcolor) if plot.band else Style()
    in_band = band_rows(plot.band, plot.x_range, columns, frame.row)
    lines = []
    for row, cells in enumerate(frame.canvas().cells()):
        text = Text.assemble((f"{labels.get(row, ''):>{left - 1}} ", dim), (vertical, line))
        start = len(text)
        if cursor is not None and not cells[cursor][1]:
            cells[cursor] = vertical, "accent"
        _append(text, cells, style_of)
        if plot.band:
            for inside, stretch in groupby(range(columns), key=lambda column: row in in_band[column]):
                if inside:
                    places = list(stretch)
                    text.stylize(behind, start + places[0], start + places[-1] + 1)
        lines.append(text)
    axis = Text.assemble(" " * left, (corner, line))
    _append(axis, _axis(frame), style_of)
    labelled = Text.assemble(" " * (left + 1), (_x_labels(frame), dim))
    return Drawing([*lines, axis, labelled], left + 1, columns, plot.x_range)


def _append(text: Text, cells: Sequence[Cell], style_of: Callable[[str], Style]) -> None:
    """Adds cells to a line; neighbours of one style are added together."""
    for style, together in groupby(cells, key=lambda cell: cell[1]):
        text.append("".join(character for character, _ in together), style_of(style) if style else None)


def _axis(frame: Frame) -> list[Cell]:
    """The x axis with its marks; heavy where it shows which part of the whole is in view."""
    plot, columns = frame.plot, frame.columns
    thin, heavy = "-=" if plot.ascii else "─━"
    cells = [(thin, "line")] * columns
    if plot.whole is not None and plot.whole != plot.x_range:
        whole = replace(plot, x_range=plot.whole)
        first, last = (replace(frame, plot=whole).column(x) for x in plot.x_range)
        cells[first : last + 1] = [(heavy, "dim")] * (last + 1 - first)
    broken = BROKEN_ASCII if plot.ascii else BROKEN
    marks = [(x, letter, "warning") for x, letter in plot.marks] + [(x, broken, style) for x, style in plot.breaks]
    for x, mark, style in marks:
        if frame.shows(x):
            cells[frame.column(x)] = mark, style
    return cells


def _x_labels(frame: Frame) -> str:
    """The labels of the x axis, each under its tick; none runs into the next."""
    plot, columns = frame.plot, frame.columns
    widest = max(len(plot.x_label(plot.x_range[1])), 3)
    line = [" "] * columns
    free_from = 0
    most = max(columns // (widest + 6), 1)
    make = partial(x_ticks, plot.x_range, whole=plot.whole_x, sixties=plot.sixties)
    ticks = make(most)
    if len(ticks) < 3 and len(denser := make(2 * most)) * (widest + 2) <= columns:
        ticks = denser
    for tick in ticks:
        label = plot.x_label(tick)
        start = min(max(frame.column(tick) - len(label) // 2, 0), columns - len(label))
        if start >= free_from:
            line[start : start + len(label)] = label
            free_from = start + len(label) + 2
    return "".join(line).rstrip()
