"""The sentence on what a step spends its time on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.made import events, timing
from workbench.advice.policy import LEAST_STEPS, POLICY
from workbench.advice.verdict import verdict
from workbench.runs.events import Prepared
from workbench.runs.measurements import Timing

PREPARED = next(event for event in events(1) if isinstance(event, Prepared))


def timed(step: int = 100, **phases: float) -> Timing:
    return replace(timing(step, 0.0), phase_ms=phases)


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        ({"forward": 3, "backward": 5, "optimizer": 2}, "backward takes 50 % of a step"),
        ({"forward": 6, "backward": 3, "optimizer": 1}, "forward takes 60 % of a step"),
        ({"forward": 2, "backward": 3, "optimizer": 5}, "optimizer takes 50 % of a step"),
        ({"data": 0.5, "forward": 4, "backward": 5.5}, "backward takes 55 % of a step"),
        ({"transfer": 3, "forward": 3, "backward": 4}, "moving samples to the device takes 30 % of a step"),
        ({"forward": 5, "metrics": 15}, "metrics takes 75 % of a step"),
    ],
)
def test_the_largest_phase_is_named_with_its_share(phases: dict[str, float], said: str) -> None:
    assert verdict(replace(timed(), phase_ms=phases), PREPARED) == said


def test_waiting_for_data_is_named_before_the_largest_phase() -> None:
    assert verdict(timed(data=3, forward=3, backward=4), PREPARED) == "waiting for data takes 30 % of a step"


def test_workers_are_proposed_only_where_a_loader_feeds_the_run() -> None:
    said = verdict(timed(data=31, forward=29, backward=40), replace(PREPARED, data_loading="dataloader"))
    assert said.startswith("waiting for data takes 31 % of a step")
    assert "runtime.num_workers" in said
    assert "num_workers" not in verdict(timed(data=31, forward=29, backward=40), None)


def test_a_step_that_is_mostly_overhead_gets_a_proposal() -> None:
    assert "a larger batch would pay" in verdict(timed(forward=2, backward=2, rest=6), PREPARED)


def test_a_little_waiting_is_not_worth_a_word() -> None:
    warning = POLICY["waiting-for-data"].warning
    assert warning is not None
    waiting = 100 * warning
    assert verdict(timed(data=waiting, forward=100 - waiting), None).startswith("waiting for data")
    assert verdict(timed(data=waiting - 1, forward=101 - waiting), None).startswith("forward")


def test_nothing_is_said_before_enough_is_known() -> None:
    assert verdict(None, PREPARED) == ""
    assert verdict(timed(LEAST_STEPS - 1, forward=1), PREPARED) == ""
    assert verdict(timed(LEAST_STEPS, forward=1), PREPARED) != ""
    assert verdict(timed(), PREPARED) == "", "no phase was measured"
    assert verdict(timed(forward=0, backward=0), PREPARED) == ""
