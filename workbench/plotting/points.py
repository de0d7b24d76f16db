"""The points of a curve: as many as there are columns of dots, with their extremes, gaps kept; smoothed or not."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from workbench.plotting.scales import fraction_of

LEAST, MOST = 1e-300, 1e300
"""Larger values cannot be drawn: their differences and ratios overflow."""


@dataclass(frozen=True)
class Point:
    """Some neighbouring values at an x: least, greatest, mean. Not finite: a gap."""

    x: float
    low: float
    high: float
    mean: float

    def extent(self, *, log: bool) -> tuple[float, float] | None:
        """The least and the greatest value that can be drawn; 0 is the foot of a log scale. None: a gap."""
        if not (abs(self.low) <= MOST and abs(self.high) <= MOST):
            return None
        if not log:
            return self.low, self.high
        if self.high < LEAST:
            return None
        return (self.low if self.low >= LEAST else 0.0), self.high


def fraction_across(x: float, x_range: tuple[float, float]) -> float:
    """The fraction of the width at which x lies; an x outside the range lies at the edge."""
    return min(max(fraction_of(x, x_range), 0.0), 1.0)


def from_gap_to_gap(points: Iterable[Point], *, log: bool) -> Iterator[list[tuple[Point, tuple[float, float]]]]:
    """The points that a line joins, each with the least and the greatest value that can be drawn."""
    joined: list[tuple[Point, tuple[float, float]]] = []
    for point in points:
        extent = point.extent(log=log)
        if extent is not None:
            joined.append((point, extent))
        elif joined:
            yield joined
            joined = []
    if joined:
        yield joined


def points_by_column(
    buckets: Sequence[Any], x_of: Callable[[Any], float], x_range: tuple[float, float], columns: int
) -> list[Point]:
    """Buckets of a curve as points, one for each column that has any: extremes are kept, gaps stay gaps.

    Of the buckets outside the range, the nearest on either side is a point too: the line to it crosses the edge.
    """
    xs = [x_of(bucket) for bucket in buckets]
    first, last = x_range
    inside = [place for place, x in enumerate(xs) if first <= x <= last]
    start, end = (inside[0], inside[-1] + 1) if inside else (after := bisect_left(xs, first), after)
    scale = max(columns, 1) / ((last - first) or 1.0)
    points: list[Point] = []
    if start:
        points += _points(buckets[start - 1 : start], xs[start - 1])
    for _, places in groupby(range(start, end), key=lambda place: int((xs[place] - first) * scale)):
        column = list(places)
        points += _points(buckets[column[0] : column[-1] + 1], xs[column[-1]])
    if end < len(xs):
        points += _points(buckets[end : end + 1], xs[end])
    return points


def _points(buckets: Sequence[Any], x: float) -> list[Point]:
    """The point of neighbouring buckets, and a gap after it if one of them has one."""
    gap = [Point(x, math.nan, math.nan, math.nan)] if any(bucket.gap for bucket in buckets) else []
    finite = [bucket for bucket in buckets if bucket.count]
    if not finite:
        return gap
    mean = sum(bucket.total for bucket in finite) / sum(bucket.count for bucket in finite)
    low, high = min(bucket.minimum for bucket in finite), max(bucket.maximum for bucket in finite)
    return [Point(x, low, high, mean), *gap]


def averaged(
    points: Sequence[Point], buckets: Sequence[Any], x_of: Callable[[Any], float], averages: Sequence[float]
) -> list[Point]:
    """The points of `points_by_column` with moving averages in place of their values; gaps stay.

    averages: at the end of each bucket, as `runs.curve.Curve.averages` has them.
    """
    average_at = dict(zip(map(x_of, buckets), averages, strict=True))
    found = [average_at[point.x] if math.isfinite(point.mean) else math.nan for point in points]
    return [Point(point.x, value, value, value) for point, value in zip(points, found, strict=True)]
