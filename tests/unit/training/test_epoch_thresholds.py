"""What a trial must beat after an epoch: what was told last holds, and each epoch is judged once."""

from __future__ import annotations

import pytest

from workbench.metrics import metric
from workbench.runs.control import Request, Thresholds
from workbench.training.epoch_thresholds import EpochThresholds


def thresholds_of(name: str, *told: Thresholds) -> EpochThresholds:
    thresholds = EpochThresholds(metric(name))
    for each in told:
        assert thresholds.tell(Request("set_thresholds", thresholds=each)) is None
    return thresholds


@pytest.mark.parametrize(("name", "worse", "better"), [("accuracy", 0.3, 0.6), ("loss", 0.6, 0.3)])
def test_the_best_value_must_be_better_than_the_threshold(name: str, worse: float, better: float) -> None:
    assert thresholds_of(name, ((2, 0.5),)).is_due(2, worse)
    assert thresholds_of(name, ((2, 0.5),)).is_due(2, 0.5)
    assert not thresholds_of(name, ((2, 0.5),)).is_due(2, better)
    assert not thresholds_of(name, ((2, 0.5),)).is_due(1, worse)
    assert thresholds_of(name, ((2, 0.5),)).is_due(2, None)
    assert thresholds_of(name, ((2, None),)).is_due(2, better)


def test_what_was_told_last_holds() -> None:
    assert thresholds_of("accuracy", ((1, 0.5),), ((1, 0.7),)).is_due(1, 0.6)
    assert not thresholds_of("accuracy", ((1, 0.7),), ((1, 0.5),)).is_due(1, 0.6)
    assert not thresholds_of("accuracy", ((1, 0.7),), ((3, 0.5),)).is_due(1, 0.6)


def test_a_threshold_that_was_beaten_is_not_raised_afterwards() -> None:
    thresholds = thresholds_of("accuracy", ((1, 0.5), (3, 0.6)))
    assert not thresholds.is_due(1, 0.55)
    thresholds.tell(Request("set_thresholds", thresholds=((1, 0.9), (3, 0.6))))
    assert not thresholds.is_due(2, 0.55)
    assert thresholds.is_due(3, 0.55)


def test_one_that_was_told_too_late_is_judged_at_the_next_epoch() -> None:
    thresholds = thresholds_of("accuracy")
    assert not thresholds.is_due(1, 0.2)
    thresholds.tell(Request("set_thresholds", thresholds=((1, 0.5),)))
    assert thresholds.is_due(2, 0.4)


def test_a_request_without_thresholds_is_refused() -> None:
    assert thresholds_of("accuracy").tell(Request("set_thresholds")) == "it takes epochs, each with the value to beat"
