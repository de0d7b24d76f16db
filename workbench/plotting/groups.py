"""Several curves as one: at each x the mean of those that reach it, and the range that they span."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from workbench.plotting.points import Point


def mean_and_range(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """The curves' means at every x that one of them has; each follows straight lines, and ends where it ends.

    curves: each by x, which increases; a gap is left out where the others have values.
    """
    xs = sorted({point.x for curve in curves for point in curve})
    placed = [[point.x for point in curve] for curve in curves]
    found = []
    for x in xs:
        values = [_at(x, curve, places) for curve, places in zip(curves, placed, strict=True)]
        known = [value for value in values if math.isfinite(value)]
        if known:
            found.append(Point(x, min(known), max(known), math.fsum(known) / len(known)))
        else:
            found.append(Point(x, math.nan, math.nan, math.nan))
    return found


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
