"""Rates that are requested while a run trains, and the way back (screen #1, #12)."""

from __future__ import annotations

from workbench.runs.events import RequestHandled
from workbench.ui.live.asked_rate import AskedRates


def answer(value: float, *, accepted: bool = True, replayed: bool = False) -> RequestHandled:
    return RequestHandled(command="set_learning_rate", step=1, value=value, accepted=accepted, replayed=replayed)


def test_a_held_key_steps_on_from_what_was_asked_last() -> None:
    rates = AskedRates()
    assert rates.wanted(0.01) == 0.01
    rates.ask(0.02, 0.01)
    rates.ask(0.05, 0.01)
    assert rates.wanted(0.01) == 0.05
    rates.answered(answer(0.02), 0.01)
    assert rates.wanted(0.02) == 0.05
    rates.answered(answer(0.05), 0.02)
    assert rates.wanted(0.05) == 0.05


def test_each_change_is_undone_in_turn_and_an_undo_is_no_change_to_be_undone() -> None:
    rates = AskedRates()
    rates.ask(0.02, 0.01)
    rates.answered(answer(0.02), 0.01)
    rates.ask(0.01, 0.02)
    rates.answered(answer(0.01), 0.02)
    assert rates.undo() == 0.02
    rates.answered(answer(0.02), 0.01)
    assert rates.undo() == 0.01
    assert rates.undo() is None
    rates.answered(answer(0.01), 0.02)
    assert rates.undo() is None


def test_what_another_viewer_or_the_preset_has_set_can_be_undone_too() -> None:
    rates = AskedRates()
    rates.answered(answer(0.02), 0.01)
    rates.answered(answer(0.05, replayed=True), 0.02)
    assert [rates.undo(), rates.undo(), rates.undo()] == [0.02, 0.01, None]


def test_a_refused_rate_cannot_be_undone() -> None:
    rates = AskedRates()
    rates.ask(0.02, 0.01)
    rates.answered(answer(0.02, accepted=False), 0.01)
    assert (rates.wanted(0.01), rates.undo()) == (0.01, None)


def test_another_life_of_the_run_begins_afresh() -> None:
    rates = AskedRates()
    rates.ask(0.02, 0.01)
    rates.forget()
    assert (rates.wanted(0.01), rates.undo()) == (0.01, None)
