"""A curve keeps the extremes of millions of values in a bounded number of buckets."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from workbench.runs.curve import Curve

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(st.lists(finite, min_size=1, max_size=40), min_size=1, max_size=30))
def test_extremes_sum_and_count_survive_merging(blocks: list[list[float]]) -> None:
    curve = Curve(most_buckets=8)
    step = 1
    for block in blocks:
        curve.extend(step, block, float(step), float(step + len(block)))
        step += len(block)
    values = [value for block in blocks for value in block]
    assert len(curve) <= 8
    assert sum(bucket.count for bucket in curve.buckets) == len(values)
    assert min(bucket.minimum for bucket in curve.buckets) == min(values)
    assert max(bucket.maximum for bucket in curve.buckets) == max(values)
    assert math.isclose(sum(bucket.total for bucket in curve.buckets), math.fsum(values), abs_tol=1e-3)


@given(st.lists(st.lists(finite, min_size=1, max_size=40), min_size=1, max_size=30))
def test_buckets_are_contiguous(blocks: list[list[float]]) -> None:
    curve = Curve(most_buckets=8)
    step = 1
    for block in blocks:
        curve.extend(step, block, float(step), float(step + len(block)))
        step += len(block)
    assert curve.buckets[0].first_step == 1
    assert curve.buckets[-1].last_step == step - 1
    for before, after in zip(curve.buckets, curve.buckets[1:], strict=False):
        assert after.first_step == before.last_step + 1


@given(st.lists(finite, min_size=1, max_size=200))
def test_values_one_by_one_and_all_at_once_give_the_same_curve(values: list[float]) -> None:
    single, bulk = Curve(most_buckets=16), Curve(most_buckets=16)
    for number, value in enumerate(values):
        single.add(number + 1, value, float(number + 1))
    bulk.extend(1, values, 0.0, float(len(values)))
    for one, other in zip(single.buckets, bulk.buckets, strict=True):
        assert (one.first_step, one.last_step, one.minimum, one.maximum, one.count) == (
            other.first_step, other.last_step, other.minimum, other.maximum, other.count,
        )  # fmt: skip


def test_a_million_steps_need_no_more_buckets_than_allowed() -> None:
    curve = Curve()
    for first in range(1, 1_000_001, 1000):
        curve.extend(first, [0.5] * 1000, first * 0.001, (first + 1000) * 0.001)
    assert len(curve) <= 2048
    assert curve.buckets[-1].last_step == 1_000_000


def test_a_spike_of_one_step_is_kept() -> None:
    curve = Curve()
    for first in range(1, 100_001, 100):
        values = [0.1] * 100
        if first == 50_001:
            values[7] = 42.0
        curve.extend(first, values, 0.0, 1.0)
    assert max(bucket.maximum for bucket in curve.buckets) == 42.0


def test_nan_leaves_a_gap_and_changes_nothing_else() -> None:
    curve = Curve()
    curve.extend(1, [1.0, math.nan, 3.0, math.inf], 0.0, 1.0)
    curve.add(5, math.nan, 1.0)
    curve.add(6, 2.0, 1.0)
    assert any(bucket.gap for bucket in curve.buckets)
    assert max(bucket.maximum for bucket in curve.buckets if bucket.count) == 3.0
    assert sum(bucket.count for bucket in curve.buckets) == 3


def test_values_after_a_step_can_be_removed() -> None:
    curve = Curve()
    curve.extend(1, [float(step) for step in range(1, 101)], 0.0, 1.0)
    curve.truncate(40)
    assert curve.buckets[-1].last_step == 40
    curve.extend(41, [9.0], 0.0, 1.0)
    assert curve.last == 9.0
    assert curve.buckets[-1].last_step == 41


@given(
    st.lists(st.lists(finite, min_size=1, max_size=40), min_size=1, max_size=30),
    st.floats(0, 1),
    st.lists(finite, min_size=1, max_size=40),
)
def test_a_resumed_run_keeps_no_values_after_its_step(
    blocks: list[list[float]], fraction: float, again: list[float]
) -> None:
    curve = Curve(most_buckets=8)
    step = 1
    for block in blocks:
        curve.extend(step, block, float(step), float(step + len(block)))
        step += len(block)
    after_step = int(fraction * (step - 1))
    curve.truncate(after_step)
    assert all(bucket.last_step <= after_step for bucket in curve.buckets)
    curve.extend(after_step + 1, again, 0.0, 1.0)
    assert curve.buckets[-1].last_step == after_step + len(again)
    assert curve.last == again[-1]
    steps = [step for bucket in curve.buckets for step in (bucket.first_step, bucket.last_step)]
    assert steps == sorted(steps)


def test_the_extremes_of_a_divergence_are_removed_with_their_steps() -> None:
    curve = Curve(most_buckets=8)
    curve.extend(1, [0.5] * 990 + [1e30] * 9 + [math.nan], 0.0, 1.0)
    curve.truncate(985)
    curve.extend(986, [0.4] * 15, 1.0, 2.0)
    assert max(bucket.maximum for bucket in curve.buckets) == 0.5
    assert not any(bucket.gap for bucket in curve.buckets)


@given(st.lists(st.one_of(finite, st.just(math.nan), st.just(math.inf)), min_size=1, max_size=200))
def test_values_that_are_not_finite_do_not_change_the_extremes(values: list[float]) -> None:
    curve = Curve(most_buckets=8)
    for number, value in enumerate(values):
        curve.add(number + 1, value, float(number))
    numbers = [value for value in values if math.isfinite(value)]
    assert sum(bucket.count for bucket in curve.buckets) == len(numbers)
    assert any(bucket.gap for bucket in curve.buckets) == (len(numbers) < len(values))
    if numbers:
        assert min(bucket.minimum for bucket in curve.buckets if bucket.count) == min(numbers)
        assert max(bucket.maximum for bucket in curve.buckets if bucket.count) == max(numbers)


def test_a_coarse_curve_keeps_extremes_gaps_and_ends_and_is_renewed_when_the_curve_grows() -> None:
    curve = Curve()
    for step in range(1, 1001):
        curve.add(step, {333: 9.0, 334: math.nan}.get(step, float(step % 7)), float(step))
    coarse = curve.coarse(100)
    assert 50 < len(coarse) <= 100
    assert (coarse[0].first_step, coarse[-1].last_step, coarse[-1].seconds) == (1, 1000, 1000.0)
    assert max(bucket.maximum for bucket in coarse) == 9.0
    assert sum(bucket.count for bucket in coarse) == 999
    assert [bucket.first_step <= 334 <= bucket.last_step for bucket in coarse if bucket.gap] == [True]
    assert curve.coarse(100) is coarse
    assert curve.coarse(5000) == curve.buckets
    curve.add(1001, 2.0, 1001.0)
    assert curve.coarse(100)[-1].last_step == 1001
    curve.truncate(500)
    assert curve.coarse(100)[-1].last_step <= 500


def test_averages_are_the_exponential_moving_average_and_begin_with_the_first_value() -> None:
    curve = Curve()
    curve.extend(1, [4.0, 8.0, 2.0], 0.0, 1.0)
    assert curve.averages(0.5, 1) == [4.0, (0.5 * 4 + 8) / 1.5, (0.25 * 4 + 0.5 * 8 + 2) / 1.75]
    assert curve.averages(0.25, 2) == curve.averages(0.5, 1), "a quarter over two steps is a half over one"
    assert curve.averages(0.0, 1) == [4.0, 8.0, 2.0]
    curve.add(4, 2.0, 2.0)
    assert len(curve.averages(0.5, 1)) == 4
    curve.truncate(1)
    assert curve.averages(0.5, 1) == [4.0]


def test_averages_of_a_loop_that_logs_one_step_of_many_count_all_steps() -> None:
    sparse, dense, late = Curve(), Curve(), Curve()
    for index, value in enumerate((4.0, 8.0, 2.0), 1):
        sparse.add(500 * index, value, 0.0)
        dense.add(index, value, 0.0)
        late.add(1000 + index, value, 0.0)
    assert sparse.averages(0.5, 500) == dense.averages(0.5, 1) == late.averages(0.5, 1)
    assert Curve().averages(0.5, 1) == []


def test_averages_begin_anew_behind_a_gap() -> None:
    curve = Curve()
    curve.extend(1, [2.0, 2.0, math.nan, 4.0, 4.0], 0.0, 1.0)
    assert curve.averages(0.9, 1) == [2.0, 2.0, 2.0, 4.0, 4.0]
    curve = Curve()
    curve.extend(1, [math.nan, 3.0], 0.0, 1.0)
    first, second = curve.averages(0.9, 1)
    assert math.isnan(first)
    assert second == 3.0


def test_averages_hardly_depend_on_how_many_steps_share_a_bucket() -> None:
    values = [math.exp(-step / 800) + 0.1 * math.sin(step) for step in range(4096)]
    fine, coarse = Curve(most_buckets=8192), Curve(most_buckets=512)
    for curve in (fine, coarse):
        curve.extend(1, values, 0.0, 1.0)
    assert (len(fine), len(coarse)) == (4096, 512)
    for at, average in zip(range(7, 4096, 8), coarse.averages(0.6, 40.96), strict=True):
        assert math.isclose(average, fine.averages(0.6, 40.96)[at], abs_tol=0.01)
