"""Trials that are trained together, as the study's events tell it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import TrainerLostError
from workbench.processes.measuring import Progress
from workbench.processes.stacked import Ended, Ending, Message, Values, Way
from workbench.runs.events import Event
from workbench.tuning.events import (
    MetricKnown,
    Noted,
    TrialAsked,
    TrialDiscarded,
    TrialFinished,
    TrialStarted,
    TrialValue,
)
from workbench.tuning.together import KeptOf, Together
from workbench.tuning.view import StudyView


class Scripted:
    """A process that says what a test tells it to, and then dies or says nothing more."""

    def __init__(self, messages: Sequence[Message], *, dies: bool = False) -> None:
        self._messages = list(messages)
        self._dies = dies
        self.kept: list[list[int]] = []
        self.closed = False

    def read(self, timeout: float = 0.0) -> Message | None:
        if not self._messages and self._dies:
            raise TrainerLostError("it was killed")
        return self._messages.pop(0) if self._messages else None

    def keep(self, candidates: Sequence[int]) -> None:
        self.kept.append(list(candidates))

    def close(self) -> None:
        self.closed = True


def ended(candidate: int, status: str, value: float | None = None, reason: str = "") -> Ended:
    return Ended(candidate, status, reason, value, 2, 2, None, None)


def played(process: Scripted, kept: KeptOf = lambda epoch, values: values) -> tuple[Together, list[Event], StudyView]:
    """Trials 4, 5 and 6 trained together, from what the process says."""
    view, written = StudyView(), []
    for trial in (4, 5, 6):
        view.take(TrialAsked(trial=trial, settings={}))

    def write(event: Event) -> None:
        written.append(event)
        view.take(event)

    together = Together(process, [4, 5, 6], view, write, kept)
    together.poll()
    return together, written, view


def test_values_and_ends_become_events() -> None:
    said: list[Message] = [
        Progress("reading the data"),
        Way(True, "it is faster"),
        Values(1, "accuracy", [0.5, 0.7, 0.6], waits=True),
        ended(0, "discarded"),
        Values(2, "accuracy", [None, 0.8, None], waits=False),
        ended(2, "failed", reason="the loss is not a finite number"),
        ended(1, "completed", 0.8),
        Ending(1.0),
    ]
    process = Scripted(said)
    asked: list[object] = []

    def best_two(epoch: int, values: object) -> list[int]:
        asked.append((epoch, values))
        return [5, 6]

    together, written, view = played(process, best_two)
    assert asked == [(1, {4: 0.5, 5: 0.7, 6: 0.6})]
    assert process.kept == [[1, 2]]
    assert [(type(event), getattr(event, "trial", None)) for event in written] == [
        (Noted, None),
        (TrialStarted, 4),
        (TrialStarted, 5),
        (TrialStarted, 6),
        (MetricKnown, None),
        (TrialValue, 4),
        (TrialValue, 5),
        (TrialValue, 6),
        (TrialDiscarded, 4),
        (TrialValue, 5),
        (TrialValue, 6),
        (TrialFinished, 6),
        (TrialFinished, 5),
    ]
    assert {number: trial.status for number, trial in view.trials.items()} == {
        4: "discarded",
        5: "completed",
        6: "failed",
    }
    assert view.trials[5].values == {1: 0.7, 2: 0.8}
    assert view.trials[5].value == 0.8
    assert together.is_over
    assert process.closed


def test_trials_that_are_to_be_trained_one_by_one_have_not_begun() -> None:
    together, written, view = played(Scripted([Way(False, "they differ in more than numbers")]))
    assert together.is_over
    assert together.why_one_by_one == "they differ in more than numbers"
    assert [type(event) for event in written] == [Noted]
    assert {trial.status for trial in view.trials.values()} == {"waiting"}


def test_what_a_dead_process_has_not_finished_has_failed() -> None:
    said: list[Message] = [Way(True, ""), Values(1, "loss", [1.0, 2.0, 3.0], waits=False), ended(1, "completed", 2.0)]
    _, _, view = played(Scripted(said, dies=True))
    assert {number: (trial.status, trial.reason) for number, trial in view.trials.items()} == {
        4: ("failed", "it was killed"),
        5: ("completed", ""),
        6: ("failed", "it was killed"),
    }
