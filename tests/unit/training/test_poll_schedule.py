"""When the trainer polls: how long a request waits, by a clock that only the steps advance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from workbench.training import poll_schedule
from workbench.training.poll_schedule import PollSchedule

LONGEST_WAIT = 0.2
"""Seconds that a stop may wait."""


def polls(step_seconds: Callable[[int], float], steps: int, *, at_once: int = 1) -> Iterator[tuple[int, float]]:
    """The steps after which a loop polls, and when; an engine runs `at_once` steps at a call."""
    schedule, now = PollSchedule(), 1000.0
    schedule.begin(0, now)
    for step in range(at_once, steps + 1, at_once):
        now += sum(step_seconds(one) for one in range(step - at_once + 1, step + 1))
        if step >= schedule.next_check and schedule.is_due(step, now):
            yield step, now


def longest_wait(step_seconds: Callable[[int], float], steps: int, *, at_once: int = 1) -> float:
    """Of a request that comes at the worst moment: just after a poll."""
    times = [1000.0, *(now for _, now in polls(step_seconds, steps, at_once=at_once))]
    assert len(times) > 5
    return max(later - earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize("milliseconds", [0.01, 0.3, 5.0, 70.0, 99.0, 199.0])
def test_a_stop_waits_at_most_a_fifth_of_a_second(milliseconds: float) -> None:
    steps = int(20_000 / milliseconds)
    assert longest_wait(lambda step: milliseconds / 1000, steps) <= LONGEST_WAIT


@pytest.mark.parametrize("factor", [0.001, 0.1, 2.0, 5.0, 9.9])
@pytest.mark.parametrize("change_at", [1, 500, 5_000, 12_345])
def test_a_stop_waits_no_longer_where_step_times_change_suddenly(factor: float, change_at: int) -> None:
    """From 1 ms a step."""
    steps = change_at + (int(2_000 / factor) if factor < 1 else 2_000)
    assert longest_wait(lambda step: 0.001 * (factor if step > change_at else 1.0), steps) <= LONGEST_WAIT


def test_fast_steps_that_a_gpu_has_only_queued_do_not_put_the_next_check_far_off() -> None:
    """The first 200 launches of each 1,000 return at once; then the queue is full."""
    assert longest_wait(lambda step: 1e-6 if step % 1_000 < 200 else 0.002, 20_000) <= LONGEST_WAIT


def test_a_stop_waits_no_longer_where_an_engine_runs_several_steps_at_once() -> None:
    assert longest_wait(lambda step: 0.001, 20_000, at_once=8) <= LONGEST_WAIT
    assert longest_wait(lambda step: 0.001 if step < 4_000 else 0.008, 20_000, at_once=8) <= LONGEST_WAIT


def test_after_the_greatest_jump_one_poll_is_late_and_the_next_are_in_time() -> None:
    times = [now for _, now in polls(lambda step: 0.0001 if step <= 30_000 else 0.1, 30_500)]
    late = [later - earlier for earlier, later in pairwise(times) if later - earlier > LONGEST_WAIT]
    assert len(late) == 1


def test_polls_are_about_ten_a_second() -> None:
    times = [now for _, now in polls(lambda step: 0.0001, 100_000)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= poll_schedule.POLL_SECONDS
    assert len(times) == pytest.approx(100, abs=10)


def test_a_check_comes_about_a_hundred_times_a_second_however_fast_the_steps_are() -> None:
    """Between two checks a step costs one comparison of integers."""
    schedule, now, checks = PollSchedule(), 0.0, 0
    schedule.begin(0, now)
    for step in range(1, 100_001):
        now += 1e-5
        if step >= schedule.next_check:
            schedule.is_due(step, now)
            checks += 1
    assert checks == pytest.approx(100, abs=15)


def test_ranks_that_are_given_the_same_times_poll_at_the_same_steps() -> None:
    """Rank 0's times, whatever the other's own clock says."""
    first, other = PollSchedule(), PollSchedule()
    for schedule in (first, other):
        schedule.begin(0, 7.0)
    now = 7.0
    for step in range(1, 3_000):
        now += 0.0005 if step % 700 < 350 else 0.004
        assert (step >= first.next_check) == (step >= other.next_check)
        if step >= first.next_check:
            assert first.is_due(step, now) == other.is_due(step, now)
            assert first.next_check == other.next_check > step


def test_time_between_two_epochs_says_nothing_of_the_steps_pace() -> None:
    schedule, now = PollSchedule(), 0.0
    schedule.begin(0, now)
    for step in range(1, 2_001):
        now += 0.00099
        if step >= schedule.next_check:
            schedule.is_due(step, now)
    schedule.begin(2_000, now + 3600.0)
    assert schedule.next_check == 2_010
    schedule.is_due(2_010, now + 3600.0101)
    assert schedule.next_check == 2_019, "ten steps took a little more than a hundredth of a second"
