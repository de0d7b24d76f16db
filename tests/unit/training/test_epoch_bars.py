"""What a trial must beat after an epoch: what was told last holds, and each epoch is judged once."""

from __future__ import annotations

import pytest

from workbench.metrics import metric
from workbench.runs.control import Bars, Request
from workbench.training.epoch_bars import EpochBars


def bars_of(name: str, *told: Bars) -> EpochBars:
    bars = EpochBars(metric(name))
    for each in told:
        assert bars.tell(Request("set_bars", bars=each)) is None
    return bars


@pytest.mark.parametrize(("name", "worse", "better"), [("accuracy", 0.3, 0.6), ("loss", 0.6, 0.3)])
def test_the_best_value_must_be_better_than_the_bar(name: str, worse: float, better: float) -> None:
    assert bars_of(name, ((2, 0.5),)).is_due(2, worse)
    assert bars_of(name, ((2, 0.5),)).is_due(2, 0.5)
    assert not bars_of(name, ((2, 0.5),)).is_due(2, better)
    assert not bars_of(name, ((2, 0.5),)).is_due(1, worse)
    assert bars_of(name, ((2, 0.5),)).is_due(2, None)
    assert bars_of(name, ((2, None),)).is_due(2, better)


def test_what_was_told_last_holds() -> None:
    assert bars_of("accuracy", ((1, 0.5),), ((1, 0.7),)).is_due(1, 0.6)
    assert not bars_of("accuracy", ((1, 0.7),), ((1, 0.5),)).is_due(1, 0.6)
    assert not bars_of("accuracy", ((1, 0.7),), ((3, 0.5),)).is_due(1, 0.6)


def test_a_bar_that_was_beaten_is_not_raised_afterwards() -> None:
    bars = bars_of("accuracy", ((1, 0.5), (3, 0.6)))
    assert not bars.is_due(1, 0.55)
    bars.tell(Request("set_bars", bars=((1, 0.9), (3, 0.6))))
    assert not bars.is_due(2, 0.55)
    assert bars.is_due(3, 0.55)


def test_one_that_was_told_too_late_is_judged_at_the_next_epoch() -> None:
    bars = bars_of("accuracy")
    assert not bars.is_due(1, 0.2)
    bars.tell(Request("set_bars", bars=((1, 0.5),)))
    assert bars.is_due(2, 0.4)


def test_a_request_without_bars_is_refused() -> None:
    assert bars_of("accuracy").tell(Request("set_bars")) == "it takes epochs, each with the value to beat"
