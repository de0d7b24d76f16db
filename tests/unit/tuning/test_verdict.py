"""The verdict of a search: one is best only where fresh seeds tell it apart from the others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from workbench.metrics import metric
from workbench.tuning.events import MetricKnown, TrialAsked, TrialDiscarded, TrialFinished
from workbench.tuning.verdict import Verdict, judge
from workbench.tuning.view import StudyView

ACCURACY = metric("accuracy")


def view_of(values: Sequence[float], fresh: Sequence[Sequence[float | None]], name: str = "accuracy") -> StudyView:
    """A search whose trials gave these values, and these with seeds 1, 2, ...; None: it failed."""
    view = StudyView()
    view.take(MetricKnown(metric=name))
    for number, value in enumerate(values):
        view.take(TrialAsked(trial=number, settings={"optimizer.learning_rate": 0.1 * number}))
        view.take(TrialFinished(trial=number, status="completed", value=value))
    for number, repeats in enumerate(fresh):
        for seed, fresh_value in enumerate(repeats, start=1):
            trial = len(view.trials)
            view.take(TrialAsked(trial=trial, settings={"training.seed": seed}, repeats=number))
            status = "failed" if fresh_value is None else "completed"
            view.take(TrialFinished(trial=trial, status=status, value=fresh_value))
    return view


def verdict_of(view: StudyView) -> Verdict:
    assert view.metric is not None
    found = judge(view, view.ranked(), view.metric)
    assert found is not None
    return found


def numbers(verdict: Verdict) -> tuple[int, list[int], list[int]]:
    return (
        verdict.best.trial.number,
        [each.trial.number for each in verdict.others],
        [each.trial.number for each in verdict.tied],
    )


def test_the_fresh_seeds_decide_and_not_the_value_for_which_a_trial_was_chosen() -> None:
    view = view_of([0.99, 0.95, 0.94], [[0.90, 0.91, 0.92], [0.95, 0.962, 0.968], [0.95, 0.96, 0.97]])
    assert numbers(verdict_of(view)) == (1, [2, 0], [2])


def test_a_difference_is_told_apart_by_its_paired_interval() -> None:
    # Differences 0.05, 0.052, 0.048: mean 0.05, deviation 0.002, interval of 95 % +- 4.303 * 0.002 / sqrt(3) = 0.005.
    assert numbers(verdict_of(view_of([0.9, 0.9], [[0.95, 0.962, 0.938], [0.90, 0.91, 0.89]]))) == (0, [1], [])
    # Differences 0.05, 0.10, 0.0: mean 0.05, deviation 0.05, interval +- 0.124.
    assert numbers(verdict_of(view_of([0.9, 0.9], [[0.95, 0.99, 0.90], [0.90, 0.89, 0.90]]))) == (0, [1], [1])


def test_more_comparisons_ask_for_more() -> None:
    first, second = [0.94, 0.95, 0.93], [0.90, 0.90, 0.90]
    assert numbers(verdict_of(view_of([0.9, 0.9], [first, second])))[2] == []
    nearer = [0.912, 0.91, 0.908]  # differences 0.028, 0.04, 0.022: 0.03 +- 0.0228 of 95 %, +- 0.0328 of 97.5 %
    assert numbers(verdict_of(view_of([0.9, 0.9], [first, nearer])))[2] == []
    assert numbers(verdict_of(view_of([0.9, 0.9, 0.9], [first, nearer, second])))[2] == [1]


def test_the_sign_flip_test_allows_for_more_comparisons_too() -> None:
    """p is 4 / 128 = 0.031: below 0.05, above the 0.025 of two comparisons. The interval of 97.5 % does not hold 0."""
    first, nearer, far = [0.9] * 7, [*[0.8] * 6, 0.91], [0.1, 0.2, 0.15, 0.1, 0.2, 0.15, 0.1]
    assert numbers(verdict_of(view_of([0.9, 0.9], [first, nearer])))[2] == []
    assert numbers(verdict_of(view_of([0.9, 0.9, 0.9], [first, nearer, far])))[2] == [1]
    # Six pairs allow no p below 0.031, so that the interval decides alone.
    first, nearer, far = [0.9, 0.91, 0.92] * 2, [0.8, 0.8, 0.81, 0.8, 0.8, 0.81], [0.1, 0.2, 0.15] * 2
    assert numbers(verdict_of(view_of([0.9, 0.9, 0.9], [first, nearer, far])))[2] == []


def test_few_equal_differences_say_nothing() -> None:
    """One sample of 24 more, three times."""
    few = [[0.75, 0.5, 0.25], [0.5, 0.25, 0.0]]
    assert numbers(verdict_of(view_of([0.9, 0.9], few)))[2] == [1]
    many = [[0.75, 0.5, 0.25] * 2, [0.5, 0.25, 0.0] * 2]
    assert numbers(verdict_of(view_of([0.9, 0.9], many)))[2] == []


def test_a_trial_that_failed_with_a_fresh_seed_is_not_best() -> None:
    view = view_of([0.9, 0.9], [[0.99, None, 0.99], [0.8, 0.8, 0.8]])
    assert numbers(verdict_of(view)) == (1, [0], [0])


def test_a_repeat_that_was_cut_off_by_the_time_says_nothing() -> None:
    view = view_of([0.9, 0.9], [[0.99, 0.98], [0.8, 0.8]])
    view.take(TrialAsked(trial=9, settings={"training.seed": 3}, repeats=0))
    view.take(TrialDiscarded(trial=9, reason="the time of 10 s is over"))
    best = verdict_of(view).best
    assert (best.trial.number, best.failed, best.fresh) == (0, 0, {1: 0.99, 2: 0.98})


def test_without_fresh_seeds_all_are_tied_and_the_best_value_comes_first() -> None:
    view = view_of([0.4, 0.2, 0.3], [], "loss")
    assert numbers(verdict_of(view)) == (1, [2, 0], [2, 0])
    assert verdict_of(view).best.mean is None


def test_the_mean_and_its_interval() -> None:
    best = verdict_of(view_of([0.9], [[0.94, 0.95, 0.96]])).best
    assert best.mean == pytest.approx(0.95)
    assert best.interval == pytest.approx((0.95 - 0.024841, 0.95 + 0.024841), abs=1e-6)
    assert judge(StudyView(), [], ACCURACY) is None
