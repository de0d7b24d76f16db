"""The points of a curve: as many as there are columns of dots, with their extremes, gaps kept; smoothed or not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    """The fraction of the width at which x lies; an x outside the range lies at the edge.

    A line is drawn dot by dot: one that ended far outside would take all memory.
    """
    return min(max(fraction_of(x, x_range), 0.0), 1.0)


def points_by_column(
    buckets: Sequence[Any], x_of: Callable[[Any], float], x_range: tuple[float, float], columns: int
) -> list[Point]:
    """Buckets of a curve as points, one for each column that has any: extremes are kept, gaps stay gaps."""
    columns = max(columns, 1)
    points: list[Point] = []
    column_before: int | None = None
    merged: Any = None
    for bucket in buckets:
        column = int(fraction_across(x_of(bucket), x_range) * columns)
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
    """The exponential moving average of the points' means, unbiased at first; `smoothing` is the weight of the past."""
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
