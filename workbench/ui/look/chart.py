"""Drawing curves in cells. plotext places the dots; ranges, ticks, axes and the cursor are ours.

A cell of braille holds two by four dots. What is drawn stays where it is from one look to the next (round ranges, a
point's column depends on its own x alone), so that a growing curve changes a few cells only.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any

from rich.style import Style
from rich.text import Text

DOTS_A_CELL = 2
"""Columns of dots in a cell."""
CURSOR = -1
"""In place of a curve's number: a cell of the cursor."""
BLANKS = " \u2800"
DASH_CELLS = 3
"""Each of so many cells of a dashed curve is left out."""
LONE, LONE_DASHED = "●", "×"
"""Marks of a point that no line leads to."""
CANVAS_MARGIN = 0.02
"""Share of the height left free above and below the curves."""
LEAST, MOST = 1e-300, 1e300
"""Values beyond these are no numbers to draw: their differences and ratios overflow."""


@dataclass(frozen=True)
class Point:
    """Some neighbouring values at an x: least, greatest, mean. Not finite: a gap."""

    x: float
    low: float
    high: float
    mean: float


@dataclass(frozen=True)
class Series:
    """One curve."""

    style: str
    points: Sequence[Point]
    marker: str = "*"
    """The character of each point in plain ASCII."""
    letter: str = ""
    """Shown at the right end, for curves that their colour alone would tell apart."""
    dashed: bool = False
    """LineWidget with gaps, where there is no colour to tell it by."""


@dataclass(frozen=True)
class Plot:
    """What to draw, in data's own units."""

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
    """Values have no meaning above this: the y range ends there."""
    sixties: bool = False
    """Ticks of x at round minutes rather than round numbers of seconds."""
    ascii: bool = False


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
    """The plot in `width` × `height` cells; empty where that is too little room to say anything."""
    rows = height - 2
    if rows < 2 or width < 12:
        return Drawing([])
    y_range = value_range(plot)
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
    for row in range(rows):
        text = Text.assemble((f"{labels.get(row, ''):>{left - 1}} ", dim), (vertical, line))
        _append_cells(text, cells[row], styles, cursor, vertical)
        lines.append(text)
    lines.append(Text.assemble(" " * left, (corner, line), _axis(plot, columns, horizontal, style_of)))
    lines.append(Text.assemble(" " * (left + 1), (_x_labels(plot, columns), dim)))
    return Drawing(lines, left + 1, columns, plot.x_range)


def value_range(plot: Plot) -> tuple[float, float]:
    """Round numbers around all values, so that the scale seldom changes."""
    extents = [found for series in plot.series for point in series.points if (found := _extent(point, plot.log))]
    if not extents:
        return (0.1, 1.0) if plot.log else (0.0, 1.0)
    low = min(bottom or top for bottom, top in extents) if plot.log else min(bottom for bottom, _ in extents)
    high = max(top for _, top in extents)
    if plot.log:
        low, high = _log_floor(low), _log_ceiling(high)
        return (low / 2, high * 2) if low == high else (low, high)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # no more than rounding apart
        margin = abs(low) / 10 or 0.5
        low, high = low - margin, high + margin
    step = round_step((high - low) / 8)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    if plot.most is not None:
        top = min(top, plot.most)
    return (max(bottom, 0.0) if low >= 0 else bottom, top)


def _extent(point: Point, log: bool) -> tuple[float, float] | None:
    """The least and the greatest value that can be drawn, 0 being the foot of a log scale; None: a gap."""
    if not (abs(point.low) <= MOST and abs(point.high) <= MOST):
        return None
    if not log:
        return point.low, point.high
    if point.high < LEAST:
        return None
    return (point.low if point.low >= LEAST else 0.0), point.high


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `least`."""
    if not (least > 0 and math.isfinite(least)):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least * (1 - 1e-9)), 10 * power)


def y_ticks(y_range: tuple[float, float], most: int, log: bool) -> list[float]:
    """Round numbers within the range, at most about so many."""
    low, high = y_range
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            rungs = [factor * 10.0**power for power in powers for factor in factors]
            kept = [rung for rung in rungs if low * (1 - 1e-9) <= rung <= high * (1 + 1e-9)]
            if len(kept) <= most:
                break
        return kept[:: max(math.ceil(len(kept) / most), 1)] if len(kept) > 1 else [low, high]
    step = round_step((high - low) / most)
    ticks = _multiples(step, low, high)
    # A lone number on an axis says nothing of its scale.
    return ticks if len(ticks) > 1 else _multiples(round_step(step / 2.5), low, high)


def _multiples(step: float, low: float, high: float) -> list[float]:
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def x_ticks(plot: Plot, most: int) -> list[float]:
    """Round numbers within the range of x."""
    low, high = plot.x_range
    step = _minutes_step((high - low) / max(most, 1)) if plot.sixties else round_step((high - low) / max(most, 1))
    if plot.whole_x:
        step = max(step, 1.0)
    return _multiples(step, low, high)


def _minutes_step(least: float) -> float:
    if least < 1:
        return round_step(least)
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    return next((float(step) for step in steps if step >= least), round_step(least / 86400) * 86400)


def _log_floor(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= value * (1 + 1e-9))


def _log_ceiling(value: float) -> float:
    return round_step(value)


def _share(value: float, value_range_: tuple[float, float], log: bool) -> float:
    low, high = value_range_
    if log:
        value = max(value, low)
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def _row(value: float, y_range: tuple[float, float], rows: int, log: bool) -> int:
    share = CANVAS_MARGIN + (1 - 2 * CANVAS_MARGIN) * _share(value, y_range, log)
    return min(max(int((1 - share) * rows), 0), rows - 1)


def _across(x: float, x_range: tuple[float, float]) -> float:
    """The share of the width at which x lies. What lies outside stands at the edge: a line is drawn dot by dot, and one
    that leads far away would take all memory."""
    share = (x - x_range[0]) / ((x_range[1] - x_range[0]) or 1.0)
    return min(max(share, 0.0), 1.0)


def _column(x: float, x_range: tuple[float, float], columns: int) -> int:
    return min(int(_across(x, x_range) * columns), columns - 1)


Cells = list[list[tuple[str, int | None]]]
"""Rows of characters, each with the number of its curve."""
Stroke = tuple[list[float], list[float]]
"""A curve from gap to gap: x in its own unit, y as a share of the height."""
_CODES = re.compile(r"\x1b\[([0-9;]*)m")


@cache
def _plotext() -> Any:
    """plotext, imported when the first curve is drawn: that takes 0.1 s."""
    # plotext takes Pillow if it is there, for pictures that we never draw: 4 MB of memory, and a third of its import.
    pillow = sys.modules.get("PIL")
    sys.modules["PIL"] = None  # type: ignore[assignment]
    try:
        import plotext
    finally:
        if pillow is None:
            del sys.modules["PIL"]
        else:
            sys.modules["PIL"] = pillow
    plotext.terminal.limit(False, False)
    return plotext


def _canvas(plot: Plot, columns: int, rows: int, y_range: tuple[float, float]) -> Cells:
    """The curves, each over those before it.

    A cell has one colour: with dots of two curves in it, it would say of one what is true of the other, and thin curves
    would look thick.
    """
    cells: Cells = [[(" ", None)] * columns for _ in range(rows)]
    for number, series in enumerate(plot.series):
        strokes = list(_strokes(series, plot, y_range))
        lone = [] if plot.ascii else [(xs[0], ys[0]) for xs, ys in strokes if len(xs) == 1]
        lines = [(xs, ys) for xs, ys in strokes if plot.ascii or len(xs) > 1]
        for row, line in zip(cells, _drawn(lines, series.marker, plot, columns, rows), strict=False):
            for column, character in enumerate(line[:columns]):
                if character not in BLANKS and not (series.dashed and column % DASH_CELLS == DASH_CELLS - 1):
                    row[column] = (character, number)
        for x, y in lone:  # a single dot of braille would hardly be seen
            row_of = min(max(int((1 - y) * rows), 0), rows - 1)
            cells[row_of][_column(x, plot.x_range, columns)] = (LONE_DASHED if series.dashed else LONE, number)
    return cells


def _drawn(strokes: Iterable[Stroke], character: str, plot: Plot, columns: int, rows: int) -> list[str]:
    """The lines that plotext makes of one curve; character: of its points in plain ASCII."""
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
        signal = figure.signal([_across(x, plot.x_range) for x in xs], ys, marker=marker)
        if len(xs) > 1:
            signal.lines(True)
        figure.draw(signal)
    return _CODES.sub("", figure.build().string()).split("\n")


def _strokes(series: Series, plot: Plot, y_range: tuple[float, float]) -> Iterable[Stroke]:
    """The curve from gap to gap, from the least to the greatest value of each point; y as a share of the height."""
    xs: list[float] = []
    ys: list[float] = []
    rising = True
    first, last = plot.x_range
    margin = last - first
    for point in series.points:
        if not first - margin <= point.x <= last + margin:
            continue  # plotext walks every dot of a line, seen or not: far away that takes minutes and gigabytes
        extent = _extent(point, plot.log)
        if extent is None:
            if xs:
                yield xs, ys
            xs, ys = [], []
            continue
        pair = extent if rising else extent[::-1]
        rising = not rising
        for value in pair if point.low != point.high else pair[:1]:
            share = min(max(_share(value, y_range, plot.log), 0.0), 1.0)
            xs.append(point.x)
            ys.append(CANVAS_MARGIN + (1 - 2 * CANVAS_MARGIN) * share)
    if xs:
        yield xs, ys


def _with_letters(cells: Cells, plot: Plot, columns: int, rows: int, y_range: tuple[float, float]) -> Cells:
    """The canvas with the letter of each curve that has one at its right end."""
    for number, series in enumerate(plot.series):
        ends = [point for point in series.points if _extent(point, plot.log)] if series.letter else []
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
    """Adds a row of the canvas, neighbours of one curve together."""
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
    """The labels of the x axis under their places, none running into the next."""
    widest = max(len(plot.x_label(plot.x_range[1])), 3)
    line = [" "] * columns
    free_from = 0
    most = max(columns // (widest + 6), 1)
    ticks = x_ticks(plot, most)
    if len(ticks) < 3 and len(denser := x_ticks(plot, 2 * most)) * (widest + 2) <= columns:
        ticks = denser
    for tick in ticks:
        label = plot.x_label(tick)
        start = min(max(_column(tick, plot.x_range, columns) - len(label) // 2, 0), columns - len(label))
        if start >= free_from:
            line[start : start + len(label)] = label
            free_from = start + len(label) + 2
    return "".join(line).rstrip()


def points_by_column(
    buckets: Sequence[Any], x_of: Callable[[Any], float], x_range: tuple[float, float], columns: int
) -> list[Point]:
    """Buckets of a curve as points, one for each column of dots that has any: extremes are kept, gaps stay gaps."""
    dots = max(columns * DOTS_A_CELL, 1)
    points: list[Point] = []
    column_before: int | None = None
    merged: Any = None
    for bucket in buckets:
        column = int(_across(x_of(bucket), x_range) * dots)
        if merged is not None and column == column_before:
            merged = merged.merged(bucket)
            continue
        if merged is not None:
            points += _points(merged, x_of(merged))
        column_before, merged = column, bucket
    if merged is not None:
        points += _points(merged, x_of(merged))
    return points


def _points(bucket: Any, x: float) -> list[Point]:
    gap = [Point(x, math.nan, math.nan, math.nan)] if bucket.gap else []
    return ([Point(x, bucket.minimum, bucket.maximum, bucket.mean)] if bucket.count else []) + gap


def smoothed(points: Sequence[Point], smoothing: float) -> list[Point]:
    """The running mean of the points' means, which keeps a share `smoothing` at each; free of bias at the start."""
    result: list[Point] = []
    average, weight = 0.0, 0.0
    for point in points:
        if not math.isfinite(point.mean):
            result.append(point)
            average = weight = 0.0
            continue
        average = smoothing * average + (1 - smoothing) * point.mean
        weight = smoothing * weight + (1 - smoothing)
        value = average / weight
        result.append(Point(point.x, value, value, value))
    return result
