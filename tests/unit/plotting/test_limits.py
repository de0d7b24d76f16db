"""Which values the y axis must hold, and which it may leave out."""

from __future__ import annotations

import math

import pytest

from workbench.plotting.limits import limits_of
from workbench.plotting.points import Point


def curve(values: list[float]) -> list[Point]:
    return [Point(float(x), value, value, value) for x, value in enumerate(values)]


def test_a_spike_is_left_out_and_all_values_are_there_on_demand() -> None:
    values = [0.2 + 0.001 * (place % 50) for place in range(200)]
    values[40] = 8.0
    assert limits_of([curve(values)], log=False, robust=True) == pytest.approx((0.2, 0.249))
    assert limits_of([curve(values)], log=False, robust=False) == pytest.approx((0.2, 8.0))


def test_a_loss_that_falls_as_usual_is_shown_whole() -> None:
    """An exponential that falls to a hundredth within the view has no outliers."""
    falling = [2.3 * math.exp(-place / 60) + 0.02 for place in range(300)]
    assert limits_of([curve(falling)], log=False, robust=True) == (falling[-1], falling[0])
    assert limits_of([curve(falling)], log=True, robust=True) == (falling[-1], falling[0])


def test_the_first_steps_do_not_own_the_axis_of_a_long_run() -> None:
    """screen/REPORT #36: 0 to 2.4 where all that matters lies below 0.2."""
    values = [2.4, 1.2, *(0.1 + 0.1 * math.exp(-place / 100) for place in range(298))]
    assert limits_of([curve(values)], log=False, robust=True) == pytest.approx((values[-1], 0.2))


def test_a_run_that_falls_early_keeps_its_fall() -> None:
    """A twentieth of the time constant of all: a fifth of the height says where the fall ends."""
    falling = [2.3 * math.exp(-place / 15) + 0.02 for place in range(300)]
    assert limits_of([curve(falling)], log=False, robust=True) == (falling[-1], falling[0])


def test_an_outlier_on_either_side_is_left_out_and_the_other_side_stays() -> None:
    values = [math.sin(place) for place in range(300)]
    for far in (-100.0, 100.0):
        low, high = limits_of([curve([*values, far])], log=False, robust=True) or (0, 0)
        assert (low, high) == pytest.approx((-1, 1), abs=1e-3)
    low, high = limits_of([curve([*values, -100.0, 100.0])], log=False, robust=True) or (0, 0)
    assert (low, high) == pytest.approx((-1, 1), abs=1e-2)


def test_the_few_points_of_one_curve_are_no_outliers_of_another() -> None:
    """A validation loss far above a training loss is what the chart is there to show."""
    train = [0.1 + 0.001 * (place % 10) for place in range(400)]
    assert limits_of([curve(train), curve([2.0, 2.5])], log=False, robust=True) == pytest.approx((0.1, 2.5))
    epochs = [0.9, 0.5, 0.4, 0.35, 0.33, 0.32]
    assert limits_of([curve(train), curve(epochs)], log=False, robust=True) == pytest.approx((0.1, 0.9))
    assert limits_of([curve(epochs), curve([*epochs, 1e6])], log=False, robust=True) == pytest.approx((0.32, 0.9))


def test_a_value_that_hardly_changes_keeps_its_change() -> None:
    assert limits_of([curve([0.01] * 299 + [0.005])], log=False, robust=True) == (0.005, 0.01)


def test_gaps_and_what_a_log_scale_has_no_place_for_count_for_nothing() -> None:
    values = [math.nan, math.inf, -1.0, 0.0, 0.5, 2.0]
    assert limits_of([curve(values)], log=True, robust=True) == (0.5, 2.0)
    assert limits_of([curve([math.nan]), []], log=False, robust=True) is None


def test_an_overlaid_run_that_diverged_does_not_own_the_axis() -> None:
    """It is left out as a whole, however many points it has; the watched run never is."""
    usual = [curve([2.0 - 0.1 * place + number / 10 for place in range(10)]) for number in range(4)]
    diverged = curve([1e10 + 1e9 * place for place in range(10)])
    for shown in (
        limits_of(usual[:1], log=False, robust=True, others=[diverged, *usual[1:]]),
        limits_of(usual[:1], log=True, robust=True, others=[diverged, *usual[1:]]),
        limits_of([], log=False, robust=True, others=[diverged, *usual]),
    ):
        assert shown == pytest.approx((1.1, 2.3))
    for shown in (
        limits_of([diverged], log=False, robust=True, others=usual),
        limits_of(usual[:1], log=False, robust=False, others=[diverged, *usual[1:]]),
        limits_of(usual[:1], log=False, robust=True, others=[diverged]),
    ):
        assert shown is not None
        assert shown[1] == 1.9e10


def test_overlaid_runs_that_are_merely_worse_stay() -> None:
    good, worse = curve([1.0, 0.5, 0.4, 0.3, 0.25]), curve([2.3, 2.2, 2.1, 2.0, 2.0])
    assert limits_of([good], log=False, robust=True, others=[good, worse]) == (0.25, 2.3)
