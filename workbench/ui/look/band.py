"""A range behind the curves of a plot: the cells between its least and its greatest value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from workbench.plotting.points import Point, fraction_across


def band_rows(
    band: Sequence[Point], x_range: tuple[float, float], columns: int, row_of: Callable[[float], int]
) -> list[range]:
    """The rows of each column that lie between the least and the greatest value there; none where there are no points.

    band: by x. row_of: the row in which a value is drawn. Between two points the rows follow straight lines.
    """
    rows = [range(0)] * columns
    places = [(fraction_across(point.x, x_range) * columns, row_of(point.high), row_of(point.low)) for point in band]
    for (left, top, bottom), (right, top_then, bottom_then) in pairwise(places):
        for column in range(int(left), min(int(right) + 1, columns)):
            part = min(max((column + 0.5 - left) / ((right - left) or 1.0), 0.0), 1.0)
            first, last = round(top + part * (top_then - top)), round(bottom + part * (bottom_then - bottom))
            rows[column] = range(first, last + 1)
    return rows
