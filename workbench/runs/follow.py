"""Follows a run: reads what its trainer writes, and whether the trainer is still alive. Displays nothing.

To follow a run to its end, iterate over `follow`. The app has its own timer: it keeps a `Follower` and calls `read`.
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
"""Time between two reads while nothing new is written."""
LOCK_SECONDS = 1.0
"""Time between two checks of the lock of a run whose trainer another process started."""

Written = list[tuple[bytes, Event]]
"""Events, each with its line as written."""


class Trainer(Protocol):
    """Whatever trains a run: a separate process, or a worker that trains several runs in turn."""

    def poll(self) -> int | None:
        """The exit code of the run; None while it is being trained."""


class Follower:
    """Reads the events of a run as they are written."""

    def __init__(self, run: RunDirectory, trainer: Trainer | None = None, *, from_now: bool = False) -> None:
        """trainer: None if another process started it, or it is not started yet: then the run's lock decides.

        from_now: skips events that are in the file already, written before a run was resumed.
        """
        self._run = run
        self._trainer = trainer
        self._tail = EventTail(run.events)
        if from_now:
            self._tail.skip_to_end()
        self._lock_seen = time.monotonic()
        self.is_alive = trainer is not None or is_running(run)
        """Whether the trainer was alive at the last read."""

    @property
    def has_read(self) -> bool:
        """Whether anything has been read."""
        return self._tail.has_read

    def watch(self, trainer: Trainer) -> None:
        """That trainer trains the run from now on."""
        self._trainer, self.is_alive = trainer, True

    def read(self) -> Written:
        """Reads what is new, at most about a MiB."""
        # Check the trainer before reading: if it has ended, everything that it wrote is in the file.
        self.is_alive = self._is_trainer_alive()
        return self._tail.read()

    def until_ended(self, trainer: Trainer) -> Iterator[Written]:
        """Polls until the trainer has ended and everything that it wrote has been read.

        Yields the events of each poll, often none, so that the caller can draw or handle an interrupt in between.
        """
        self.watch(trainer)
        while True:
            written = self.read()
            yield written
            if not written:
                if not self.is_alive:
                    return
                time.sleep(POLL_SECONDS)

    def _is_trainer_alive(self) -> bool:
        if self._trainer is not None:
            return self._trainer.poll() is None
        now = time.monotonic()
        if now - self._lock_seen < LOCK_SECONDS:
            return self.is_alive
        self._lock_seen = now
        return is_running(self._run)


def follow(run: RunDirectory, trainer: Trainer) -> Iterator[Event]:
    """Yields all events of a run, from the first one until its trainer has ended."""
    for written in Follower(run).until_ended(trainer):
        for _, event in written:
            yield event
