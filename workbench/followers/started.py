"""The followers of one run or study, for whoever starts its trainer and watches it: the headless command, the app."""

from __future__ import annotations

import time
from pathlib import Path

from workbench.followers.files import Kind, ProblemReader
from workbench.followers.guard import Guard
from workbench.runs.owned import OwnedDirectory


class StartedFollowers:
    """Starts the followers, starts one again that ends early, and reads what goes wrong in them."""

    def __init__(self, directory: OwnedDirectory) -> None:
        """Made before the trainer is started."""
        self.since = time.time()
        """What happened before is no news."""
        self._directory = directory
        self._tensorboard: Path | None = None
        self._guard = Guard(directory, self._restart)
        self._guard_said: list[str] = []
        self._reader = ProblemReader(directory)

    def start(self, tensorboard: Path | None = None) -> list[str]:
        """Starts those that the settings ask for; returns what prevented one. tensorboard: see `start_followers`."""
        from workbench.followers.start import start_followers

        self._tensorboard = tensorboard
        return start_followers(self._directory, tensorboard=tensorboard, since=self.since)

    def _restart(self, kind: Kind, since: float) -> list[str]:
        from workbench.followers.start import start_followers

        return start_followers(self._directory, tensorboard=self._tensorboard, since=since, kinds=[kind])

    def takes_turn(self) -> bool:
        """Whether it is time to `check`; then the next time is later."""
        return self._guard.takes_turn()

    def check(self) -> None:
        """Starts a follower again that has ended while its run continues."""
        self._guard_said += self._guard.check()

    def take_problems(self) -> list[str]:
        """What went wrong since the last call, each a sentence."""
        problems, self._guard_said = [*self._guard_said, *self._reader.read()], []
        return problems
