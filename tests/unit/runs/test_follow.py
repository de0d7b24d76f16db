"""Following a run: no event of its trainer is missed, and its end is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.runs import follow as module
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.event_lines import encode
from workbench.runs.events import Event, Finished, State
from workbench.runs.follow import Follower, follow
from workbench.runs.lock import claim


class Scripted:
    """A trainer that does one thing at each poll, and has ended with the last."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self._steps = list(steps)
        self.polls = 0

    def poll(self) -> int | None:
        self.polls += 1
        if not self._steps:
            return 0
        self._steps.pop(0)()
        return None if self._steps else 0


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "fast", "")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The requested waiting times; none of them passes."""
    waited: list[float] = []
    monkeypatch.setattr("workbench.runs.follow.time.sleep", waited.append)
    return waited


def state(step: int) -> Event:
    return State(state="training", step=step)


def writing(run: RunDirectory, *events: Event, torn: str = "") -> Callable[[], None]:
    def write() -> None:
        with run.events.open("a") as file:
            file.write("".join(f"{encode(event)}\n" for event in events) + torn)

    return write


END = Finished(status="completed", step=3, reason="")


def steps_of(events: list[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, (State, Finished))]


def test_all_events_are_yielded_in_order_until_the_trainer_has_ended(run: RunDirectory) -> None:
    trainer = Scripted(writing(run, state(1)), writing(run), writing(run, state(2), END))
    assert steps_of(list(follow(run, trainer))) == [1, 2, 3]


def test_events_written_at_the_very_end_are_not_missed(run: RunDirectory) -> None:
    """After a poll reports the end, nothing more can be written before the read."""
    assert steps_of(list(follow(run, Scripted(writing(run, state(1), END))))) == [1, 3]


def test_a_long_file_is_read_to_its_end_after_the_trainer_has_ended(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runs.tail.READ_BYTES", 300)
    writing(run, *map(state, range(50)))()
    assert steps_of(list(follow(run, Scripted()))) == list(range(50))


def test_it_waits_only_if_nothing_is_new_and_yields_to_the_caller(run: RunDirectory, no_waiting: list[float]) -> None:
    trainer = Scripted(writing(run), writing(run), writing(run, state(1)))
    polls = [len(written) for written in Follower(run).until_ended(trainer)]
    assert polls == [0, 0, 1, 0]
    assert no_waiting == [module.POLL_SECONDS] * 2


def test_an_incomplete_line_of_a_killed_trainer_is_left_out(run: RunDirectory) -> None:
    trainer = Scripted(writing(run, state(1), torn='{"type":"sta'))
    assert steps_of(list(follow(run, trainer))) == [1]


def test_events_before_the_resume_are_skipped_on_request(run: RunDirectory) -> None:
    writing(run, state(1), END)()
    follower = Follower(run, from_now=True)
    written = [line for lines in follower.until_ended(Scripted(writing(run, state(2)))) for line in lines]
    assert steps_of([event for _, event in written]) == [2]
    assert [line for line, _ in written] == [encode(written[0][1]).encode()], "the line is as it was written"
    assert follower.has_read


def test_the_lock_decides_whether_another_process_trains_the_run(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = claim(run)
    follower = Follower(run)
    assert follower.is_alive
    held.close()
    follower.read()
    assert follower.is_alive, "the lock is not looked at again so soon"
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.0)
    follower.read()
    assert not follower.is_alive
