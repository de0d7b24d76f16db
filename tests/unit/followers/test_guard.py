"""A follower that ends while its run continues is started again, once, and that is said."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.unit.alerts.test_judge import FakeClock
from workbench.followers.files import FollowerFiles, Kind
from workbench.followers.guard import CHECK_SECONDS, Guard
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import claim
from workbench.settings.preset import Preset


class Follower:
    """Holds a log as a follower does."""

    def __init__(self, run: RunDirectory, kind: Kind) -> None:
        self._files = FollowerFiles(run, kind)
        self._files.folder.mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        self._descriptor = os.open(self._files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def end(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "made", Preset(name="made").to_toml())


def test_one_that_was_killed_is_started_again_once(run: RunDirectory) -> None:
    started: list[Kind] = []
    guard = Guard(run, lambda kind, since: started.append(kind) or [])  # type: ignore[func-returns-value]
    with claim(run):
        assert guard.check() == []
        follower = Follower(run, "tensorboard")
        assert guard.check() == []
        follower.end()
        assert guard.check() == []
        assert guard.check() == ["tensorboard: its process ended while it was needed, and was started again"]
        assert started == ["tensorboard"]
        assert guard.check() == []  # it is still starting
        follower.start()
        guard.check()
        follower.end()
        again = "tensorboard: its process ended again while it was needed, and is not started again"
        assert [*guard.check(), *guard.check(), *guard.check(), *guard.check()] == [again]
    assert started == ["tensorboard"]


def test_what_prevents_it_is_said(run: RunDirectory) -> None:
    guard = Guard(run, lambda kind, since: ["no alerts are sent: the disk is full"])
    with claim(run):
        follower = Follower(run, "alerts")
        guard.check()
        follower.end()
        assert [*guard.check(), *guard.check()] == ["no alerts are sent: the disk is full"]


def test_one_that_ends_with_its_run_and_one_that_was_never_there_are_not_missed(run: RunDirectory) -> None:
    started: list[Kind] = []
    guard = Guard(run, lambda kind, since: started.append(kind) or [])  # type: ignore[func-returns-value]
    with claim(run):
        follower = Follower(run, "alerts")
        Follower(run, "tensorboard").end()  # of a former life
        assert guard.check() == []
    follower.end()
    assert [said for _ in range(5) for said in guard.check()] == []
    assert started == []


def test_it_looks_now_and_then(run: RunDirectory) -> None:
    clock = FakeClock()
    guard = Guard(run, lambda kind, since: [], clock)
    assert not guard.takes_turn()
    clock.seconds += CHECK_SECONDS
    assert guard.takes_turn()
    assert not guard.takes_turn()
