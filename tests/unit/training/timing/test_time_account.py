"""Seconds by category, by a clock that only the test advances."""

from __future__ import annotations

import pytest

from workbench.training.timing import time_account
from workbench.training.timing.time_account import TimeAccount


class Clock:
    """Host time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time_account, "perf_counter", made)
    return made


def test_what_took_no_time_is_not_listed(clock: Clock) -> None:
    times = TimeAccount()
    with times.measure("validate"):
        clock.now += 2.0
    with times.measure("test"):
        pass
    assert times.add("capture", 0.5) == 0.5
    assert times.seconds == {"validate": 2.0, "capture": 0.5}
    assert times["test"] == 0.0


def test_time_inside_other_time_counts_once(clock: Clock) -> None:
    """A checkpoint in a pause in a validation, and a profile of which only its length is known."""
    times = TimeAccount()
    with times.measure("validate"):
        clock.now += 1.0
        with times.measure("paused"):
            clock.now += 10.0
            with times.measure("checkpoint"):
                clock.now += 3.0
            clock.now += 20.0
        clock.now += 0.25
        clock.now += times.add("profile", 5.0)
    assert times.seconds == {"validate": 1.25, "paused": 30.0, "checkpoint": 3.0, "profile": 5.0}
    assert sum(times.seconds.values()) == clock.now - 50.0


def test_time_counts_where_an_error_ends_it(clock: Clock) -> None:
    def fail() -> None:
        clock.now += 4.0
        raise ValueError

    times = TimeAccount()
    with pytest.raises(ValueError), times.measure("test"):  # noqa: PT011
        fail()
    assert times.seconds == {"test": 4.0}


def test_a_resumed_run_adds_to_what_its_checkpoint_says(clock: Clock) -> None:
    times = TimeAccount()
    times.restore({"validate": 7.0, "train": 100.0, "of another version": 1.0})
    with times.measure("validate"):
        clock.now += 1.0
    assert times.seconds == {"validate": 8.0}, "the clock counts training time"


def test_a_category_that_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError):
        TimeAccount().add("dancing", 1.0)
