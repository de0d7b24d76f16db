"""The rate of each step before the schedule's factor."""

from __future__ import annotations

from workbench.settings.changes import Change
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate, ScheduledRate


def change(step: int, rate: float) -> Change:
    return Change(step=step, learning_rate=rate)


def test_a_change_holds_from_the_step_after_it_on() -> None:
    rate = BaseRate(0.1, [change(3, 0.2), change(5, 0.3)])
    assert [rate.at(step) for step in range(8)] == [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3]


def test_a_change_before_the_first_step_is_the_rate_of_the_first() -> None:
    assert BaseRate(0.1, [change(0, 0.2)]).at(1) == 0.2


def test_a_change_by_hand_takes_the_place_of_those_at_its_step_and_to_come() -> None:
    rate = BaseRate(0.1, [change(3, 0.2), change(5, 0.3), change(9, 0.4)])
    assert rate.changed(change(5, 0.5)) == (change(3, 0.2), change(5, 0.5))
    assert rate.changed(change(1, 0.5)) == (change(1, 0.5),)


def test_back_to_what_it_was_at_the_same_step_is_no_change() -> None:
    rate = BaseRate(0.1, [change(3, 0.2)])
    assert rate.changed(change(3, 0.1)) == ()
    assert rate.changed(change(7, 0.2)) == (change(3, 0.2),)


def test_a_step_is_trained_at_the_base_rate_times_the_schedules_factor() -> None:
    schedule = Preset().override(["schedule.name=step", "schedule.step_size=1", "schedule.gamma=0.5"]).schedule.build(3)
    rate = ScheduledRate(BaseRate(0.8, [change(3, 0.4)]).at, schedule, steps_per_epoch=2)
    assert [rate.at(step) for step in range(1, 7)] == [0.8, 0.8, 0.4, 0.2, 0.1, 0.1]
