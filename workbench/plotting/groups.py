"""Several curves as one: the mean of those that reach an x, and the range that they span."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from workbench.plotting.points import Point


def mean_and_range(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """The curves' mean at every x where more than half of them have a value; elsewhere there is a gap.

    curves: each by x, which increases; between its points it follows straight lines. Before the first and after the
    last such x there is nothing.
    """
    xs = sorted({point.x for curve in curves for point in curve})
    placed = [[point.x for point in curve] for curve in curves]
    found: list[Point] = []
    last = 0
    for x in xs:
        values = [_at(x, curve, places) for curve, places in zip(curves, placed, strict=True)]
        known = [value for value in values if math.isfinite(value)]
        if 2 * len(known) > len(curves):
            found.append(Point(x, min(known), max(known), math.fsum(known) / len(known)))
            last = len(found)
        elif found:
            found.append(Point(x, math.nan, math.nan, math.nan))
    return found[:last]


def _at(x: float, curve: Sequence[Point], places: Sequence[float]) -> float:
    """The value of a curve at x, by a straight line between its neighbours; NaN outside of it."""
    after = bisect_left(places, x)
    if after == len(places):
        return math.nan
    if places[after] == x:
        return curve[after].mean
    if after == 0:
        return math.nan
    left, right = curve[after - 1], curve[after]
    return left.mean + (right.mean - left.mean) * (x - left.x) / (right.x - left.x)
