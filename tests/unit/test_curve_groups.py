"""Several curves as one: their mean, and the range that they span."""

from __future__ import annotations

import math

import pytest

from workbench.plotting.groups import mean_and_range
from workbench.plotting.points import Point


def curve(*values: tuple[float, float]) -> list[Point]:
    return [Point(x, value, value, value) for x, value in values]


def test_the_mean_is_taken_along_straight_lines_where_more_than_half_of_the_curves_are() -> None:
    found = mean_and_range([curve((0, 1), (10, 3)), curve((0, 3), (5, 4), (10, 9), (20, 9))])
    assert found == [Point(0, 1, 3, 2), Point(5, 2, 4, 3), Point(10, 3, 9, 6)]
    three = mean_and_range([curve((0, 1), (10, 3)), curve((0, 3), (20, 9)), curve((0, 5), (20, 7), (30, 8))])
    assert [(point.x, point.mean) for point in three] == [(0, 3), (10, 5), (20, 8)]


def test_a_gap_of_one_curve_leaves_the_others_and_a_gap_of_all_is_one() -> None:
    broken = [*curve((0, 1)), Point(5, math.nan, math.nan, math.nan), *curve((10, 1))]
    others = [curve((0, 3), (10, 5)), curve((0, 5), (10, 9))]
    assert [point.mean for point in mean_and_range([broken, *others])] == [3, 5.5, 5]
    [first, gap, last] = mean_and_range([broken])
    assert (first.mean, last.mean) == (1, 1)
    assert math.isnan(gap.mean)


def test_extremes_within_a_column_are_no_range_of_the_group() -> None:
    """The range says how far the runs are apart, not how much each of them trembles."""
    [point] = mean_and_range([[Point(0, 0, 9, 2)], [Point(0, 1, 7, 4)]])
    assert [point.low, point.mean, point.high] == pytest.approx([2, 3, 4])
