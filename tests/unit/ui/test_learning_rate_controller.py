"""The learning rate while it trains: which rate is asked for, and when none is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ui.made import append
from tests.unit.ui.fake_host import Desk
from workbench.runs.events import RequestHandled
from workbench.ui.controllers.learning_rate import LearningRateController
from workbench.ui.dialogs.learning_rate import LearningRateDialog


def controller(desk: Desk) -> LearningRateController:
    return LearningRateController(desk.session, desk.run, desk.host)


@pytest.mark.parametrize(("direction", "asked"), [(-1, 0.002), (1, 0.01)])
def test_a_step_starts_from_the_rate_that_the_run_has_now(tmp_path: Path, direction: int, asked: float) -> None:
    """The run began at 0.01, and has trained at 0.005 since step 600."""
    desk = Desk(tmp_path)
    desk.watch(alive=True)
    controller(desk).step(direction)
    assert desk.requests == [("set_learning_rate", asked)]
    assert desk.host.last == f"learning rate {asked:g}; z goes back"


def test_a_held_key_steps_from_what_was_asked_for_last(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(alive=True)
    rates = controller(desk)
    for _ in range(3):
        rates.step(1)
    assert [value for _, value in desk.requests] == [0.01, 0.02, 0.05]


def test_the_last_step_up_is_a_hundred_times_the_first_rate(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True)
    append(watch.run, RequestHandled(command="set_learning_rate", step=1300, value=1.0))
    watch.poll()
    controller(desk).step(1)
    assert desk.requests == []
    assert desk.host.said == [("warning", "1 is the highest step, for the run began at 0.01; l sets any rate")]


def test_undo_goes_back_one_change_at_a_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(alive=True)
    rates = controller(desk)
    rates.step(1)
    rates.step(1)
    rates.undo()
    rates.undo()
    assert [value for _, value in desk.requests] == [0.01, 0.02, 0.01, 0.005]
    assert desk.host.last == "learning rate back to 0.005"


def test_there_may_be_nothing_to_undo(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    watch = desk.watch(alive=True, steps=500)
    assert watch.learning_rate == 0.01
    controller(desk).undo()
    assert desk.requests == []
    assert desk.host.last == "the learning rate has not been changed"


@pytest.mark.parametrize(("answer", "asked"), [(0.003, [("set_learning_rate", 0.003)]), (None, [])])
def test_any_rate_can_be_entered(tmp_path: Path, answer: float | None, asked: list[tuple[str, float]]) -> None:
    desk = Desk(tmp_path, answer)
    desk.watch(alive=True)
    asyncio.run(controller(desk).enter())
    [dialog] = desk.host.dialogs
    assert isinstance(dialog, LearningRateDialog)
    assert desk.requests == asked


def test_without_a_run_in_progress_nothing_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.watch(ending="completed")
    rates = controller(desk)
    rates.step(1)
    rates.undo()
    asyncio.run(rates.enter())
    assert desk.requests == []
    assert desk.host.dialogs == []
    assert {text for _, text in desk.host.said} == {
        "no run is in progress; the learning rate of the next one is among the settings"
    }
