"""A plot on a canvas: where its values lie in the cells, and what is drawn and written there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from workbench.plotting.limits import Limits, limits_of
from workbench.plotting.points import Point, from_gap_to_gap
from workbench.plotting.scales import fraction_of, value_range
from workbench.ui.look.canvas import Canvas, Stroke
from workbench.ui.look.plot import Plot, Series
from workbench.ui.look.raster import Raster

LONE, LONE_DASHED, LONE_ASCII = "●", "×", "o"
"""Marks of a point that no line leads to."""
BEYOND, BEYOND_ASCII = ("▲", "▼"), ("^", "v")
"""Before the count of points above and below the canvas."""
ROWS_FOR_REACH = 6
"""Rows of a canvas from which on it also says how far outliers reach."""
CANVAS_MARGIN = 0.02
"""Fraction of the height left free above and below the curves."""
FAR = 1e5
"""Widths or heights of the canvas beyond which all places are the same: larger numbers cannot be counted in dots."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Frame:
    """The ranges of a plot, and the size of its canvas in cells."""

    plot: Plot
    columns: int
    rows: int
    y_range: Limits

    def height(self, value: float) -> float:
        """The height of a value as a fraction of the canvas's; below 0 or above 1 where it lies outside."""
        part = fraction_of(value, self.y_range, log=self.plot.log)
        return CANVAS_MARGIN + (1 - 2 * CANVAS_MARGIN) * min(max(part, -FAR), FAR)

    def row(self, value: float) -> int:
        """The row of a value; that of the edge where it lies outside."""
        return min(max(int((1 - self.height(value)) * self.rows), 0), self.rows - 1)

    def across(self, x: float) -> float:
        """The place of an x as a fraction of the width; below 0 or above 1 where it lies outside."""
        return min(max(fraction_of(x, self.plot.x_range), -FAR), FAR)

    def column(self, x: float) -> int:
        """The column of an x; that of the edge where it lies outside."""
        return min(max(int(self.across(x) * self.columns), 0), self.columns - 1)

    def shows(self, x: float) -> bool:
        """Whether an x is within the range."""
        return self.plot.x_range[0] <= x <= self.plot.x_range[1]

    def canvas(self) -> Canvas:
        """The curves, each over those before it, and what is written over them."""
        canvas = Canvas(self.columns, self.rows, ascii=self.plot.ascii)
        for series in self.plot.series:
            raster = canvas.raster()
            lone = self._draw(series, raster)
            canvas.add(raster, Stroke(series.style, series.marker, series.dashed, series.behind))
            for point in lone:  # a single dot of braille would hardly be seen
                mark = LONE_DASHED if series.dashed else LONE
                canvas.write(self.row(point.mean), self.column(point.x), mark, series.style)
        for x, value, style in self.plot.spots:
            if self.shows(x):
                canvas.write(self.row(value), self.column(x), LONE_ASCII if self.plot.ascii else LONE, style)
        self._write_letters(canvas)
        if self.plot.notes:
            self._write_notes(canvas)
        if self.plot.robust:
            self._write_outliers(canvas)
        return canvas

    def _draw(self, series: Series, raster: Raster) -> list[Point]:
        """Draws the lines of a curve. Returns the points that no line leads to, which are to be marked."""
        lone = []
        for points in from_gap_to_gap(series.points, log=self.plot.log):
            before: tuple[float, float, float, float] | None = None
            for point, (least, greatest) in points:
                x, low, high = self.across(point.x), self.height(least), self.height(greatest)
                middle = min(max(self.height(point.mean), low), high)
                if before is not None:
                    self._join(raster, before, (x, low, middle, high))
                    if series.filled:
                        raster.band((before[0], before[1], before[3]), (x, low, high))
                raster.vertical(x, low, high)
                before = x, low, middle, high
            first, (least, greatest) = points[0]
            is_lone = len(points) == 1 and least == greatest and self.shows(first.x)
            if is_lone and not (self.plot.ascii or series.dots):
                lone.append(first)
        return lone

    def _join(
        self, raster: Raster, start: tuple[float, float, float, float], end: tuple[float, float, float, float]
    ) -> None:
        """Draws a line between two points, each an x with its lowest, middle and greatest height."""
        x, low, middle, high = start
        end_x, end_low, end_middle, end_high = end
        if (end_x - x) * self.columns < 1:  # so near that the line must not reach beyond either point
            middle = min(max(end_middle, low), high)
            end_middle = min(max(middle, end_low), end_high)
        raster.line(x, middle, end_x, end_middle)

    def _write_letters(self, canvas: Canvas) -> None:
        """Writes the letter of each curve that has one where it ends."""
        for series in self.plot.series:
            ends = _visible(series, self.plot) if series.letter else []
            if ends:
                column = min(self.column(ends[-1].x) + 1, self.columns - len(series.letter))
                canvas.write(self.row(ends[-1].mean), column, series.letter, series.style)

    def _write_outliers(self, canvas: Canvas) -> None:
        """Says at the edges of the canvas how many points lie beyond them, and how far."""
        low, high = self.y_range
        above, below = BEYOND_ASCII if self.plot.ascii else BEYOND
        told = [series for series in self.plot.series if not (series.within and series.behind)]
        points = [point for series in told for point in _visible(series, self.plot)]
        if higher := [point for point in points if point.high > high + ROUNDING * abs(high)]:
            reach = f" above, up to {self._roughly(max(point.high for point in higher))}"
            self._write_count(canvas, 0, f"{above} {len(higher)}", reach, higher[0])
        is_below = [point for point in points if point.low < low - ROUNDING * abs(low)]
        if lower := [point for point in is_below if point.low > 0 or not self.plot.log]:
            reach = f" below, down to {self._roughly(min(point.low for point in lower))}"
            self._write_count(canvas, self.rows - 1, f"{below} {len(lower)}", reach, lower[0])

    def _write_count(self, canvas: Canvas, row: int, count: str, reach: str, first: Point) -> None:
        """Writes how many outliers there are, and where there is room for it their reach, beside the first of them."""
        has_room = self.rows >= ROWS_FOR_REACH and 3 * len(count + reach) <= 2 * self.columns
        canvas.write_beside(row, self.column(first.x) + 1, count + reach if has_room else count, "dim")

    def _write_notes(self, canvas: Canvas) -> None:
        """Writes the notes as a block in the upper corner that is further from the cursor."""
        notes = [(f" {text} ", style) for text, style in self.plot.notes[: self.rows]]
        width = min(max(len(text) for text, _ in notes), self.columns)
        is_left = self.plot.cursor is not None and self.across(self.plot.cursor) > 1 / 2
        for row, (text, style) in enumerate(notes):
            canvas.write(row, 0 if is_left else self.columns - width, f"{text:<{width}}"[:width], style)

    def _roughly(self, value: float) -> str:
        return self.plot.y_label(float(f"{value:.2g}"))


def y_range_of(plot: Plot) -> Limits:
    """The range of the y axis: round numbers around the values in view, and around where curves enter and leave it."""
    curves, others = (
        [
            [*_visible(series, plot), *_at_edges(series, plot)]
            for series in _counted(plot)
            if (bool(series.letter) or series.filled) is other
        ]
        for other in (False, True)
    )
    limits = limits_of(curves, log=plot.log, robust=plot.robust, others=others)
    if limits is None:
        return (0.1, 1.0) if plot.log else (0.0, 1.0)
    return value_range(*limits, log=plot.log, most=plot.most)


def _counted(plot: Plot) -> list[Series]:
    """The curves that the y axis is made for."""
    return [series for series in plot.series if not series.within]


def _visible(series: Series, plot: Plot) -> list[Point]:
    """The points of a curve within the range of x that can be drawn."""
    first, last = plot.x_range
    return [point for point in series.points if first <= point.x <= last and point.extent(log=plot.log) is not None]


def _at_edges(series: Series, plot: Plot) -> Iterator[Point]:
    """Where the lines of a curve cross the edges of the range of x."""
    for points in from_gap_to_gap(series.points, log=plot.log):
        for (left, _), (right, _) in pairwise(points):
            for edge in plot.x_range:
                if left.x < edge < right.x:
                    value = left.mean + (right.mean - left.mean) * (edge - left.x) / (right.x - left.x)
                    yield Point(edge, value, value, value)
