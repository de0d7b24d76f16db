"""The rules that discard trials, on studies whose values are known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.tuning.discarding import asha, asha_thresholds, keep, median, rungs, surplus
from workbench.tuning.events import MetricKnown, TrialAsked, TrialFinished, TrialPaused, TrialStarted, TrialValue
from workbench.tuning.steps import Continue, Discard
from workbench.tuning.view import StudyView


def view_of(
    *trials: tuple[str, Mapping[int, float]], metric: str = "accuracy", schedules: Sequence[str] = ()
) -> StudyView:
    """A study with trials of a status and values by epoch; NaN stands for no number.

    schedules: of the trials, where they are searched.
    """
    view = StudyView()
    view.take(MetricKnown(metric=metric))
    for number, (status, values) in enumerate(trials):
        view.take(TrialAsked(trial=number, settings={"schedule.name": schedules[number]} if schedules else {}))
        view.take(TrialStarted(trial=number, run=f"run-{number}"))
        for epoch, value in values.items():
            view.take(TrialValue(trial=number, epoch=epoch, value=None if math.isnan(value) else value))
        if status == "paused":
            view.take(TrialPaused(trial=number, epoch=max(values)))
        elif status != "running":
            known = [value for value in values.values() if not math.isnan(value)]
            best = (max if metric == "accuracy" else min)(known, default=None)
            view.take(TrialFinished(trial=number, status=status, value=best))
    return view


def test_the_best_are_kept_and_the_best_of_them_is_trained_first() -> None:
    view = view_of(("paused", {1: 0.1}), ("paused", {1: 0.5}), ("paused", {1: 0.3}))
    assert keep(view, 2) == Continue(1)
    view = view_of(("paused", {1: 0.1}), ("completed", {1: 0.5}), ("paused", {1: 0.3}))
    assert keep(view, 2) == Continue(2)
    view = view_of(("paused", {1: 0.1}), ("completed", {1: 0.5}), ("completed", {1: 0.3}))
    assert keep(view, 2) == Discard(0, "not among the best 2 after epoch 1")
    assert keep(view, 3) == Continue(0)
    assert keep(view_of(("paused", {1: 0.1}), ("paused", {1: 0.5}), metric="loss"), 1) == Continue(0)


def test_one_that_has_failed_takes_no_place_among_the_best() -> None:
    view = view_of(("failed", {1: 0.9}), ("completed", {1: 0.8}), ("paused", {1: 0.7}), ("paused", {1: 0.6}))
    assert keep(view, 2) == Continue(2)
    assert keep(view, 1) == Discard(2, "not among the best 1 after epoch 1")
    assert keep(view_of(("completed", {1: 0.8})), 1) is None


def test_while_trials_are_tried_only_twice_as_many_as_are_kept_wait() -> None:
    view = view_of(("paused", {1: 0.1}), ("paused", {1: 0.5}), ("paused", {1: 0.3}))
    assert surplus(view, 2) is None
    assert surplus(view, 1) == Discard(0, "not among the best 1 after epoch 1")
    assert surplus(view_of(("running", {1: 0.6}), ("paused", {1: 0.5}), ("paused", {1: 0.3})), 1) == Discard(
        2, "not among the best 1 after epoch 1"
    )


def test_a_trial_without_a_number_is_discarded() -> None:
    assert keep(view_of(("paused", {1: math.nan}), ("completed", {1: 0.1})), 5) == Discard(
        0, "not among the best 5 after epoch 1"
    )


def test_the_best_of_each_schedule_are_kept_for_a_rate_that_falls_later_is_worth_more_at_the_end() -> None:
    schedules = ["constant", "constant", "constant", "one_cycle", "one_cycle", "cosine"]
    paused = [("paused", {1: value}) for value in (0.96, 0.95, 0.94, 0.90, 0.92, 0.93)]
    kept = []
    view = view_of(*paused, schedules=schedules)
    while isinstance(step := keep(view, 4), Continue):
        kept.append(step.trial)
        view.take(TrialFinished(trial=step.trial, status="completed", value=0.97))
    assert kept == [0, 5, 4, 1]
    assert step == Discard(2, "not among the best 4 after epoch 1, taken from each schedule in turn")
    assert surplus(view_of(*paused, schedules=schedules), 2) == Discard(
        2, "not among the best 2 after epoch 1, taken from each schedule in turn"
    )


def test_rungs() -> None:
    assert rungs(1, 30) == [1, 3, 9, 27]
    assert rungs(2, 18) == [2, 6]
    assert rungs(1, 1) == []


def test_asha_promotes_the_best_third_of_a_rung_as_soon_as_there_are_three() -> None:
    two = [("paused", {1: 0.5}), ("paused", {1: 0.4})]
    assert asha(view_of(*two), 1, 20) is None
    assert asha(view_of(*two, ("paused", {1: 0.6})), 1, 20) == Continue(2, 3)
    # The promoted one counts in the rung below, so that no other takes its place.
    assert asha(view_of(*two, ("paused", {1: 0.6, 2: 0.6, 3: 0.7})), 1, 20) is None
    # With six, two are promoted.
    six = [*two, ("paused", {1: 0.6, 2: 0.6, 3: 0.7}), *[("paused", {1: 0.1})] * 3]
    assert asha(view_of(*six), 1, 20) == Continue(0, 3)


def test_asha_looks_at_the_highest_rung_first_and_ends_with_the_training() -> None:
    high = [("paused", {1: value, 2: value, 3: value}) for value in (0.7, 0.8, 0.6)]
    low = [("paused", {1: 0.9}), *[("paused", {1: 0.1})] * 9]
    assert asha(view_of(*high, *low), 1, 20) == Continue(1, 9)
    assert asha(view_of(*high, *low), 1, 9) == Continue(1, None), "there is no rung at 9 of 9 epochs"


def test_a_threshold_is_what_asha_would_promote_above() -> None:
    trials = [("paused", {1: 0.5}), ("paused", {1: 0.9, 2: 0.9, 3: 0.95}), ("paused", {1: 0.4}), ("paused", {1: 0.7})]
    new = view_of(*trials, ("running", {}))
    assert asha_thresholds(new, new.trials[4], [1, 3, 9]) == {1: 0.9, 3: None}, (
        "the best of five; a rung of two has no third"
    )
    six = view_of(*trials, ("paused", {1: 0.2}), ("running", {}))
    assert asha_thresholds(six, six.trials[5], [1, 3, 9]) == {1: 0.7, 3: None}, "two of six"
    first = view_of(("running", {}))
    assert asha_thresholds(first, first.trials[0], [1, 3, 9]) == {1: None}
    assert asha_thresholds(StudyView(), first.trials[0], [1, 3]) == {1: None}, "no metric is known yet"


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
@pytest.mark.parametrize("schedules", [False, True])
@settings(deadline=None)
@given(data=st.data())
def test_a_trial_that_beats_its_threshold_and_no_other_is_the_next_that_asha_promotes(
    data: st.DataObject, metric: str, schedules: bool
) -> None:
    names = st.sampled_from(["constant", "cosine", "step"] if schedules else ["constant"])
    values = data.draw(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), min_size=1, max_size=8))
    value, own = data.draw(st.sampled_from([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65])), data.draw(names)
    others: list[tuple[str, dict[int, float]]] = [("running", {1: each}) for each in values]
    drawn = [*(data.draw(names) for _ in values), own]
    before = view_of(*others, ("running", {}), metric=metric, schedules=drawn)
    thresholds = asha_thresholds(before, before.trials[len(values)], [1])
    goes_on = 1 not in thresholds or (
        thresholds[1] is not None and before.metric is not None
        and before.metric.rank(value) > before.metric.rank(thresholds[1])
    )  # fmt: skip
    after = view_of(*others, ("paused", {1: value}), metric=metric, schedules=drawn)
    assert goes_on == (asha(after, 1, 20) == Continue(len(values), 3))


def test_asha_takes_the_best_value_up_to_the_rung() -> None:
    trials = [
        ("completed", {1: 0.1, 2: 0.9, 3: 0.9}),
        ("paused", {1: 0.5}), ("paused", {1: 0.4}), ("paused", {1: math.nan}),
    ]  # fmt: skip
    assert asha(view_of(*trials), 1, 20) == Continue(1, 3)


COMPLETED = [("completed", {1: value, 2: value + 0.1, 3: value + 0.2}) for value in (0.1, 0.2, 0.3, 0.4, 0.5)]


@pytest.mark.parametrize(
    ("values", "discard_at"),
    [
        ({1: 0.3}, None),  # as good as the median
        ({1: 0.29}, 1),
        ({1: 0.31, 2: 0.32}, 2),  # the median is 0.4 after epoch 2
        ({1: 0.45, 2: 0.1}, None),  # its best so far counts
        ({1: 0.45, 2: 0.1, 3: 0.2}, 3),
        ({1: math.nan}, 1),
    ],
)
def test_a_trial_below_the_median_is_discarded(values: dict[int, float], discard_at: int | None) -> None:
    view = view_of(*COMPLETED, ("running", values))
    found = median(view, view.trials[5], 1)
    expected = "worse than the median of the others after epoch"
    assert found == (None if discard_at is None else Discard(5, f"{expected} {discard_at}", discard_at))


def test_the_median_waits_for_five_trials_and_its_first_epoch() -> None:
    view = view_of(*COMPLETED[:4], ("running", {1: 0.0}))
    assert median(view, view.trials[4], 1) is None
    view = view_of(*COMPLETED, ("running", {1: 0.0}))
    assert median(view, view.trials[5], 2) is None


def test_the_median_of_a_loss_is_an_upper_bound() -> None:
    view = view_of(*[("completed", {1: value}) for value in (1.0, 2.0, 3.0, 4.0, 5.0)], ("running", {1: 3.1}),
                   metric="loss")  # fmt: skip
    assert median(view, view.trials[5], 1) == Discard(5, "worse than the median of the others after epoch 1", 1)
