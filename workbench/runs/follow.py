"""Follows a run: reads what its trainer writes, and whether the trainer is still there. Displays nothing.

To follow a run to its end, iterate over `follow`. The app, which has a clock of its own, holds a `Follower` and calls
`read`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event
from workbench.runs.lock import is_running
from workbench.runs.tail import EventTail

POLL_SECONDS = 0.05
"""Between two reads while nothing new is written."""
LOCK_SECONDS = 1.0
"""Between two checks of the lock of a run whose trainer this process did not start."""

Written = list[tuple[bytes, Event]]
"""Events, each with its line as written."""


class Trainer(Protocol):
    """Whatever trains a run: a process of its own, or a worker that trains other runs before and after it."""

    def poll(self) -> int | None:
        """The exit code of the run; None while it is being trained."""


class Follower:
    """Reads the events of a run as they come."""

    def __init__(self, run: RunDirectory, trainer: Trainer | None = None, *, from_now: bool = False) -> None:
        """trainer: None where somebody else started it, or nobody has yet: then the run's lock says whether it lives.

        from_now: leaves out what is in the file already, which is what earlier lives of a resumed run wrote.
        """
        self._run = run
        self._trainer = trainer
        self._tail = EventTail(run.events)
        if from_now:
            self._tail.skip_to_end()
        self._lock_seen = time.monotonic()
        self.is_alive = trainer is not None or is_running(run)
        """Whether the trainer was there at the last read."""

    @property
    def has_read(self) -> bool:
        """Whether anything was in the file."""
        return self._tail.has_read

    def watch(self, trainer: Trainer) -> None:
        """That trainer trains the run from now on."""
        self._trainer, self.is_alive = trainer, True

    def read(self) -> Written:
        """Reads what is new, at most about a MiB."""
        # Whether the trainer lives is asked first: what it wrote before it ended is then in the file.
        self.is_alive = self._trainer_lives()
        return self._tail.read()

    def until_ended(self, trainer: Trainer) -> Iterator[Written]:
        """Polls until that trainer has ended and all that it wrote has been read.

        Yields what each poll reads, often nothing, so that the caller can draw or handle an interrupt in between.
        """
        self.watch(trainer)
        while True:
            written = self.read()
            yield written
            if not written:
                if not self.is_alive:
                    return
                time.sleep(POLL_SECONDS)

    def _trainer_lives(self) -> bool:
        if self._trainer is not None:
            return self._trainer.poll() is None
        now = time.monotonic()
        if now - self._lock_seen < LOCK_SECONDS:
            return self.is_alive
        self._lock_seen = now
        return is_running(self._run)


def follow(run: RunDirectory, trainer: Trainer) -> Iterator[Event]:
    """Yields the events of a run, from its first on, until its trainer has ended."""
    for written in Follower(run).until_ended(trainer):
        for _, event in written:
            yield event
