"""Draws curves in cells. A cell of braille holds two by four dots.

A new point changes few cells: the ranges of the axes are round numbers that seldom change, and a point's column depends
on its x alone, so the rest of a growing curve stays where it is.

From plotext comes only the raster: lines from point to point, in dots. Its axes, ticks and log scale are not used, for
three reasons. Its ticks divide the range of the data evenly and so move with every new point; ours are round numbers.
Its frame and labels come as ANSI codes together with the curves; ours take the theme's styles, show requests as marks
on the axis, and leave room for a cursor. And it draws the dots of all curves in a cell in one colour; here each curve
is drawn by itself, and the later curve keeps the cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import groupby
from typing import Any

from rich.style import Style
from rich.text import Text

from workbench.plotting.points import Point, fraction_across
from workbench.plotting.scales import fraction_of, value_range, x_ticks, y_ticks
from workbench.ui.look.band import band_rows

CURSOR = -1
"""Marks a cell of the cursor, where other cells have the number of their curve."""
BLANKS = " \u2800"
DASH_CELLS = 3
"""A dashed curve leaves out one cell in this many."""
LONE, LONE_DASHED = "●", "×"
"""Marks of a point that no line leads to."""
CANVAS_MARGIN = 0.02
"""Fraction of the height left free above and below the curves."""


@dataclass(frozen=True)
class Series:
    """One curve."""

    style: str
    points: Sequence[Point]
    marker: str = "*"
    """The character of each point in plain ASCII."""
    letter: str = ""
    """Shown at the curve's right end, for curves that otherwise differ only in colour."""
    dashed: bool = False
    """Drawn with gaps, for terminals without colours."""
    dots: bool = False
    """Points that no line leads to are single dots, so that many of them can be told apart."""


@dataclass(frozen=True)
class Plot:
    """What to draw, in the units of the data."""

    series: Sequence[Series]
    x_range: tuple[float, float]
    x_label: Callable[[float], str]
    y_label: Callable[[float], str]
    log: bool = False
    whole_x: bool = True
    """Whether x ticks stand at whole numbers only."""
    marks: Sequence[tuple[float, str]] = ()
    """(x, letter) on the x axis."""
    cursor: float | None = None
    """x of the cursor."""
    most: float | None = None
    """Values above this have no meaning: the y range ends there."""
    sixties: bool = False
    """Ticks of x at round minutes rather than round numbers of seconds."""
    ascii: bool = False
    band: Sequence[Point] = ()
    """A range behind the curves, from the least to the greatest value of each point."""
    band_style: str = ""
    """Its background is that of the cells there."""


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


def draw(plot: Plot, width: int, height: int, style_of: Callable[[str], Style]) -> Drawing:
    """Draws a plot in `width` × `height` cells; empty where that is too small to show anything."""
    rows = height - 2
    if rows < 2 or width < 12:
        return Drawing([])
    y_range = _value_range(plot)
    ticks = y_ticks(y_range, max(rows // 4, 2), plot.log)
    labels = {_row(tick, y_range, rows, plot.log): plot.y_label(tick) for tick in ticks}
    left = max((len(label) for label in labels.values()), default=1) + 1
    columns = width - left - 1
    if columns < 6:
        return Drawing([])
    canvas = _canvas(plot, columns, rows, y_range)
    styles = {number: style_of(series.style) for number, series in enumerate(plot.series)} | {
        CURSOR: style_of("accent")
    }
    dim, line = style_of("dim"), style_of("line")
    vertical, corner, horizontal = ("|", "+", "-") if plot.ascii else ("│", "└", "─")
    lines = []
    cells = _with_letters(canvas, plot, columns, rows, y_range)
    cursor = None if plot.cursor is None else _column(plot.cursor, plot.x_range, columns)
    behind = Style(bgcolor=style_of(plot.band_style).bgcolor) if plot.band else Style()
    in_band = band_rows(plot.band, plot.x_range, columns, lambda value: _row(value, y_range, rows, plot.log))
    for row in range(rows):
        text = Text.assemble((f"{labels.get(row, ''):>{left - 1}} ", dim), (vertical, line))
        start = len(text)
        _append_cells(text, cells[row], styles, cursor, vertical)
        for inside, stretch in groupby(range(columns), key=lambda column: row in in_band[column]):
            if inside:
                places = list(stretch)
                text.stylize(behind, start + places[0], start + places[-1] + 1)
        lines.append(text)
    lines.append(Text.assemble(" " * left, (corner, line), _axis(plot, columns, horizontal, style_of)))
    lines.append(Text.assemble(" " * (left + 1), (_x_labels(plot, columns), dim)))
    return Drawing(lines, left + 1, columns, plot.x_range)


def _value_range(plot: Plot) -> tuple[float, float]:
    extents = [found for series in plot.series for point in series.points if (found := point.extent(log=plot.log))]
    if not extents:
        return (0.1, 1.0) if plot.log else (0.0, 1.0)
    low = min((bottom or top) if plot.log else bottom for bottom, top in extents)
    return value_range(low, max(top for _, top in extents), log=plot.log, most=plot.most)


def _row(value: float, y_range: tuple[float, float], rows: int, log: bool) -> int:
    height = CANVAS_MARGIN + (1 - 2 * CANVAS_MARGIN) * fraction_of(value, y_range, log=log)
    return min(max(int((1 - height) * rows), 0), rows - 1)


def _column(x: float, x_range: tuple[float, float], columns: int) -> int:
    return min(int(fraction_across(x, x_range) * columns), columns - 1)


Cells = list[list[tuple[str, int | None]]]
"""Rows of characters, each with the number of its curve."""
Stroke = tuple[list[float], list[float]]
"""A curve from gap to gap: x in its own unit, y as a fraction of the height."""
_CODES = re.compile(r"\x1b\[([0-9;]*)m")


@cache
def _plotext() -> Any:
    """plotext, imported when the first curve is drawn: that takes a fifth of a second."""
    import plotext

    plotext.terminal.limit(False, False)
    return plotext


def _canvas(plot: Plot, columns: int, rows: int, y_range: tuple[float, float]) -> Cells:
    """The curves, each over those before it.

    A cell has one colour. If it held dots of two curves, one of them would be in the wrong colour, and thin curves
    would look thick.
    """
    cells: Cells = [[(" ", None)] * columns for _ in range(rows)]
    for number, series in enumerate(plot.series):
        strokes = list(_strokes(series, plot, y_range))
        all_by_plotext = plot.ascii or series.dots
        lone = [] if all_by_plotext else [(xs[0], ys[0]) for xs, ys in strokes if len(xs) == 1]
        lines = [(xs, ys) for xs, ys in strokes if all_by_plotext or len(xs) > 1]
        for row, line in zip(cells, _drawn(lines, series.marker, plot, columns, rows), strict=False):
            for column, character in enumerate(line[:columns]):
                if character not in BLANKS and not (series.dashed and column % DASH_CELLS == DASH_CELLS - 1):
                    row[column] = (character, number)
        for x, y in lone:  # a single dot of braille would hardly be seen
            row_of = min(max(int((1 - y) * rows), 0), rows - 1)
            cells[row_of][_column(x, plot.x_range, columns)] = (LONE_DASHED if series.dashed else LONE, number)
    return cells


def _drawn(strokes: Iterable[Stroke], character: str, plot: Plot, columns: int, rows: int) -> list[str]:
    """The lines that plotext draws for one curve; character: for its points in plain ASCII."""
    plotext = _plotext()
    figure = plotext.figure
    figure.clear()
    figure.plot_size(columns, rows)
    figure.axes(active=False)
    figure.canvas("default")
    for axis, cells in (("x", columns), ("y", rows)):
        # plotext puts its limits at the middle of the outermost cells; ours are their outer edges.
        figure.ruler(axis).lim(0.5 / cells, 1 - 0.5 / cells)
        figure.ruler(axis).ticks([], [])
    marker = plotext.marker(character if plot.ascii else "braille")
    for xs, ys in strokes:
        signal = figure.signal([fraction_across(x, plot.x_range) for x in xs], ys, marker=marker)
        if len(xs) > 1:
            signal.lines(True)
        figure.draw(signal)
    return _CODES.sub("", figure.build().string()).split("\n")


def _strokes(series: Series, plot: Plot, y_range: tuple[float, float]) -> Iterable[Stroke]:
    """The curve from gap to gap, from the least to the greatest value of each point; y as a fraction of the height."""
    xs: list[float] = []
    ys: list[float] = []
    rising = True
    first, last = plot.x_range
    margin = last - first
    for point in series.points:
        if not first - margin <= point.x <= last + margin:
            continue  # plotext walks every dot of a line, seen or not: far away that takes minutes and gigabytes
        extent = point.extent(log=plot.log)
        if extent is None:
            if xs:
                yield xs, ys
            xs, ys = [], []
            continue
        pair = extent if rising else extent[::-1]
        rising = not rising
        for value in pair if point.low != point.high else pair[:1]:
            height = min(max(fraction_of(value, y_range, log=plot.log), 0.0), 1.0)
            xs.append(point.x)
            ys.append(CANVAS_MARGIN + (1 - 2 * CANVAS_MARGIN) * height)
    if xs:
        yield xs, ys


def _with_letters(cells: Cells, plot: Plot, columns: int, rows: int, y_range: tuple[float, float]) -> Cells:
    """The canvas with the letter of each curve that has one at its right end."""
    for number, series in enumerate(plot.series):
        ends = [point for point in series.points if point.extent(log=plot.log)] if series.letter else []
        if ends:
            row = _row(ends[-1].mean, y_range, rows, plot.log)
            column = min(_column(ends[-1].x, plot.x_range, columns) + 1, columns - 1)
            cells[row][column] = (series.letter, number)
    return cells


def _append_cells(
    text: Text,
    cells: list[tuple[str, int | None]],
    styles: dict[int, Style],
    cursor: int | None,
    vertical: str,
) -> None:
    """Adds a row of the canvas; neighbouring cells of one curve are added together."""
    if cursor is not None and cells[cursor][0] in BLANKS:
        cells = [*cells[:cursor], (vertical, CURSOR), *cells[cursor + 1 :]]
    for number, run in groupby(cells, key=lambda cell: None if cell[0] in BLANKS else cell[1]):
        text.append("".join(character for character, _ in run), None if number is None else styles[number])


def _axis(plot: Plot, columns: int, horizontal: str, style_of: Callable[[str], Style]) -> Text:
    text = Text(horizontal * columns, style_of("line"))
    for x, letter in plot.marks:
        if plot.x_range[0] <= x <= plot.x_range[1]:
            column = _column(x, plot.x_range, columns)
            text = Text.assemble(text[:column], (letter, style_of("warning")), text[column + 1 :])
    return text


def _x_labels(plot: Plot, columns: int) -> str:
    """The labels of the x axis, each under its tick; none runs into the next."""
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
        start = min(max(_column(tick, plot.x_range, columns) - len(label) // 2, 0), columns - len(label))
        if start >= free_from:
            line[start : start + len(label)] = label
            free_from = start + len(label) + 2
    return "".join(line).rstrip()
