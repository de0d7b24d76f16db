"""Follows a run or a study to its end for one reader of its events, whoever started it, and when."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from workbench.alerts.clock import Clock
from workbench.runs.events import Event
from workbench.runs.lock import is_running
from workbench.runs.owned import OwnedDirectory
from workbench.runs.tail import EventTail

POLL_SECONDS = 0.3
HELD_POLL_SECONDS = 1.0
"""Time between two tries to be the only follower."""
LOCK_SECONDS = 1.0
"""Time between two looks at the lock of the run."""
START_SECONDS = 120.0
"""How long to wait for the trainer to begin: a standby may still be importing PyTorch."""


class Reader(Protocol):
    """What becomes of the events."""

    def take(self, events: Sequence[Event], offset: int) -> None:
        """New events; offset: bytes of the file up to the end of the last."""

    def rest(self, *, is_alive: bool) -> None:
        """All that was written has been taken. is_alive: whether the trainer lives; called at each poll."""

    def end(self) -> None:
        """The trainer has ended, and all that it wrote has been taken. More may follow if it is started again."""


def follow_to_end(
    directory: OwnedDirectory,
    tail: EventTail,
    reader: Reader,
    since: float,
    *,
    clock: Clock | None = None,
    is_alive: Callable[[OwnedDirectory], bool] = is_running,
) -> bool:
    """Reads until the trainer has ended, again where it is started again meanwhile; whether there was one at all.

    since: when it was started, in seconds since 1970; what is older is from before it was resumed.
    """
    clock = clock or Clock()
    begun, started = False, clock.monotonic()
    alive, seen = is_alive(directory), clock.monotonic()
    while True:
        # The lock first: once it is free, all that was written is in the file.
        if clock.monotonic() - seen >= LOCK_SECONDS:
            alive, seen = is_alive(directory), clock.monotonic()
        written = [event for _, event in tail.read()]
        begun = begun or alive or any(event.time >= since for event in written)
        if written:
            reader.take(written, tail.offset)
            continue
        waits = not begun and clock.monotonic() - started < START_SECONDS and directory.path.exists()
        reader.rest(is_alive=alive)
        if not alive and not waits:
            reader.end()
            alive, seen = is_alive(directory), clock.monotonic()
            if not alive:  # nobody resumed it while the last words were sent
                return begun
        clock.sleep(POLL_SECONDS)


@contextmanager
def only_one(descriptor: int, *, patience: float, clock: Clock | None = None) -> Iterator[bool]:
    """Inside the `with` this process holds the lock of an open file, and is the only one of its kind; else False.

    patience: how many seconds to wait for another to end. On a disk without locks, every one believes to be the only.
    """
    clock = clock or Clock()
    until = clock.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            is_held = error.errno in (errno.EWOULDBLOCK, errno.EACCES)
            if is_held and clock.monotonic() < until:
                clock.sleep(HELD_POLL_SECONDS)
                continue
            yield not is_held
            return
        yield True
        return
