"""The limits of a y axis: all values in view, or all but the outliers, which would take most of the room."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from workbench.plotting.points import Point

TAIL = 0.05
"""The fraction of a curve's points that may be outliers, at either end; one point at least."""
LEAST_POINTS, MANY_POINTS = 5, 100
REACH, REACH_OF_FEW = 2.0, 10.0
"""A point is an outlier if its distance from the rest is more than this many times the range of the rest: a loss that
falls as usual has none. `REACH_OF_FEW` is for curves of fewer than `MANY_POINTS`, in which each point counts for more.
A curve of fewer than `LEAST_POINTS` has no outliers.
"""

Limits = tuple[float, float]


def limits_of(
    curves: Iterable[Sequence[Point]], *, log: bool, robust: bool, others: Iterable[Sequence[Point]] = ()
) -> Limits | None:
    """The least and the greatest value of the curves; None if they have none that can be drawn.

    log: the least is the least positive value, and what points span is a ratio. robust: leaves out outliers, which are
    judged curve by curve: a few points of one must not be outliers of another. others: curves that are left out as a
    whole where they lie as far beyond the rest as an outlier does: a run that diverged.
    """
    found, beside = ([each for points in some if (each := _limits(points, log, robust))] for some in (curves, others))
    beside = _near(found, beside, log) if robust else beside
    together = [*found, *beside]
    return _around(together) if together else None


def _around(found: Sequence[Limits]) -> Limits:
    return min(low for low, _ in found), max(high for _, high in found)


def _near(kept: Sequence[Limits], others: list[Limits], log: bool) -> list[Limits]:
    """The others without those that lie wholly far beyond all the rest, as long as most of all curves stay."""
    place = math.log if log else float
    near = list(others)
    while len(near) > 1 and 2 * (len(near) - 1 + len(kept)) > len(others) + len(kept):
        far = []
        for each in near:
            low, high = map(place, _around([*kept, *(other for other in near if other is not each)]))
            beyond = max(place(each[0]) - high, low - place(each[1]))
            if 0 < (high - low) * REACH_OF_FEW < beyond:
                far.append((beyond, each))
        if not far:
            break
        outermost = max(far, key=lambda pair: pair[0])[1]
        near = [each for each in near if each is not outermost]
    return near


def _limits(points: Sequence[Point], log: bool, robust: bool) -> Limits | None:
    extents = [extent for point in points if (extent := point.extent(log=log)) is not None]
    if not extents:
        return None
    # On a log scale the low end of a point may be 0, which has no place.
    lows = sorted((low or high) if log else low for low, high in extents)
    highs = sorted(high for _, high in extents)
    if not robust or len(extents) < LEAST_POINTS:
        return lows[0], highs[-1]
    tail = max(int(len(extents) * TAIL), 1)
    low, high = lows[tail], highs[-1 - tail]
    place = math.log if log else float
    reach = (place(high) - place(low)) * (REACH if len(extents) >= MANY_POINTS else REACH_OF_FEW)
    if reach <= 0:  # nearly all values are the same: they give no scale
        return lows[0], highs[-1]
    return (
        next(each for each in lows if place(low) - place(each) <= reach),
        next(each for each in reversed(highs) if place(each) - place(high) <= reach),
    )
