"""Starts a follower again that ended while its run continues, such as one that was killed: for whoever watches."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from pathlib import Path

from workbench.alerts.clock import Clock
from workbench.files import open_regular
from workbench.followers.files import KINDS, FollowerFiles, Kind
from workbench.runs.lock import is_running
from workbench.runs.owned import OwnedDirectory

CHECK_SECONDS = 2.0
"""Least time between two looks at the followers' locks."""
Start = Callable[[Kind, float], list[str]]
"""Starts the follower of a kind, which sends nothing that happened before; returns what prevented it."""


class Guard:
    """Looks after the followers of one run or study. Each is started again once."""

    def __init__(self, directory: OwnedDirectory, start: Start, clock: Clock | None = None) -> None:
        self._directory = directory
        self._start = start
        self._clock = clock or Clock()
        self._checked_at = self._clock.monotonic()
        self._checked = time.time()
        self._missed: dict[Kind, int] = {}
        """How often in a row a follower was missed that was there before."""
        self._ends: dict[Kind, int] = {}

    def takes_turn(self) -> bool:
        """Whether it is time to check; then the next time is later."""
        now = self._clock.monotonic()
        if now - self._checked_at < CHECK_SECONDS:
            return False
        self._checked_at = now
        return True

    def check(self) -> list[str]:
        """Starts what is missing; returns what the user should know, each a sentence."""
        checked, self._checked = self._checked, time.time()
        said: list[str] = []
        for kind in KINDS:
            if _is_held(FollowerFiles(self._directory, kind).log):
                self._missed[kind] = 0
            elif kind in self._missed and is_running(self._directory):
                self._missed[kind] += 1
                if self._missed[kind] == 2:  # at the first it may be ending with a life of the run that has just ended
                    del self._missed[kind]
                    said += self._ended(kind, checked - CHECK_SECONDS)
        return said

    def _ended(self, kind: Kind, since: float) -> list[str]:
        self._ends[kind] = self._ends.get(kind, 0) + 1
        if self._ends[kind] > 1:
            return [f"{kind}: its process ended again while it was needed, and is not started again"]
        problems = self._start(kind, since)
        return problems or [f"{kind}: its process ended while it was needed, and was started again"]


def _is_held(log: Path) -> bool:
    """Whether a follower holds its log; True where that cannot be known."""
    try:
        with open_regular(log) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)
    except FileNotFoundError:
        return False
    except OSError:  # it is held, or the disk has no locks
        return True
    return False
