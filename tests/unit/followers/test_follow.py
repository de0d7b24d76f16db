"""A follower waits for its trainer, reads to the end, and follows again where the run was resumed meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.unit.followers.trainer import begun, write
from workbench.alerts.clock import Clock
from workbench.followers.files import FollowerFiles, ProblemReader
from workbench.followers.follow import HELD_POLL_SECONDS, START_SECONDS, follow_to_end, only_one
from workbench.followers.log import Log
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, Finished
from workbench.runs.tail import EventTail


class Script(Clock):
    """A clock whose sleeps let things happen: a step each."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.seconds = 0.0
        self.steps = list(steps)
        self.is_alive = False

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 1.0)  # so that the lock is looked at each time
        if self.steps:
            self.steps.pop(0)()

    def live(self) -> None:
        self.is_alive = True

    def die(self) -> None:
        self.is_alive = False


class Recorder:
    """What the follower was told."""

    def __init__(self, at_end: Callable[[], object] = lambda: None) -> None:
        self.types: list[str] = []
        self.ends = 0
        self.lives: list[bool] = []
        self._at_end = at_end

    def take(self, events: Sequence[Event], offset: int) -> None:
        self.types += [event.type for event in events]

    def rest(self, *, is_alive: bool) -> None:
        self.lives.append(is_alive)

    def end(self) -> None:
        self.ends += 1
        self._at_end()


def followed(run: RunDirectory, script: Script, recorder: Recorder, since: float = 0.0) -> bool:
    tail = EventTail(run.events)
    return follow_to_end(run, tail, recorder, since, clock=script, is_alive=lambda _: script.is_alive)


def made(folder: Path) -> RunDirectory:
    run = RunDirectory(folder / "run")
    run.path.mkdir()
    return run


def test_it_waits_for_the_trainer_and_reads_to_the_end(tmp_path: Path) -> None:
    run, script = made(tmp_path), Script()
    script.steps = [
        script.live,
        lambda: write(run, *begun()),
        lambda: write(run, Finished(status="completed", step=1)),
        script.die,
    ]
    recorder = Recorder()
    assert followed(run, script, recorder)
    assert recorder.types == ["state", "started", "prepared", "state", "finished"]
    assert recorder.ends == 1


def test_a_trainer_that_never_starts_is_given_up(tmp_path: Path) -> None:
    run, script, recorder = made(tmp_path), Script(), Recorder()
    assert not followed(run, script, recorder)
    assert START_SECONDS <= script.seconds < START_SECONDS + 3
    assert True not in recorder.lives


def test_a_run_that_ended_before_it_was_looked_at_is_read_at_once(tmp_path: Path) -> None:
    run, script, recorder = made(tmp_path), Script(), Recorder()
    write(run, *begun(), Finished(status="failed", step=0))
    assert followed(run, script, recorder)
    assert script.seconds == 0
    assert recorder.types[-1] == "finished"


def test_a_run_that_is_deleted_ends_it(tmp_path: Path) -> None:
    run, script, recorder = made(tmp_path), Script(), Recorder()
    script.is_alive = True
    write(run, *begun())
    script.steps = [lambda: shutil.rmtree(run.path), script.die]
    assert followed(run, script, recorder)
    assert recorder.ends == 1


def test_it_follows_again_where_the_run_was_resumed_while_it_sent_its_last_words(tmp_path: Path) -> None:
    run, script = made(tmp_path), Script()
    write(run, *begun(), Finished(status="stopped", step=0))
    lives = [script.live]
    recorder = Recorder(at_end=lambda: lives.pop()() if lives else None)
    script.steps = [lambda: write(run, *begun(resumed=True)), script.die]
    assert followed(run, script, recorder)
    assert recorder.ends == 2
    assert recorder.types.count("started") == 2


def test_only_one_holds_the_lock_and_the_next_takes_over_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "log"
    first, second = (os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for _ in range(2))
    script = Script()
    with only_one(first, patience=0) as is_first, only_one(second, patience=10, clock=script) as is_second:
        assert (is_first, is_second) == (True, False)
    assert 10 <= script.seconds <= 10 + 2 * max(HELD_POLL_SECONDS, 1)
    script.steps = [lambda: None, lambda: os.close(first)]
    with only_one(second, patience=10, clock=script) as is_second:
        assert is_second
    os.close(second)


def test_problems_are_read_from_the_logs_once(tmp_path: Path) -> None:
    run = made(tmp_path)
    files = FollowerFiles(run, "alerts")
    files.folder.mkdir()
    descriptor = os.open(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    log = Log(descriptor)
    log.problem("of an earlier life")
    reader = ProblemReader(run)
    assert reader.read() == []
    log.say("follows")
    log.problem("the server\nanswered 404")
    assert reader.read() == ["alerts: the server answered 404"]
    assert reader.read() == []
    os.close(descriptor)
    Log(descriptor).say("a closed or full disk is no error")
