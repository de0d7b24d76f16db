"""Keeps the host from running too far ahead of the device: a stop or a pause waits for all launches that are queued."""

from __future__ import annotations

from collections import deque
from time import perf_counter, sleep

import torch

MOST_SECONDS_AHEAD = 0.08
"""Work that may wait for the device: enough for the host to be busy with something else for a while, and little enough
to handle requests within a fifth of a second."""
LEAST_AHEAD, FIRST_AHEAD, MOST_AHEAD = 1, 8, 1000
"""Launches that may be unfinished: at least, so that the host prepares one while the device does the other; after the
host was away; and at most."""
AWAY_SECONDS = 0.01
"""Time between two launches from which the host was away, as for a validation."""
WAIT_SECONDS = 5e-4
"""Time between two looks at a launch that is waited for. A sleep ends in time wherever the host's timer works; the
blocking wait of CUDA's events depends on an interrupt, whose latency in a virtual machine nobody guarantees."""


class Backlog:
    """Launches that the device has not finished.

    After the host was away few may wait. Their number at most doubles each time the host has to wait, up to what takes
    the device `MOST_SECONDS_AHEAD`: how long launches take is known only once some were waited for, and changes.
    """

    def __init__(self, device: torch.device) -> None:
        """On a CPU there is none: nothing is queued."""
        self._device = device
        self._launches: deque[torch.cuda.Event] = deque()
        """An event behind each launch that is not known to be finished."""
        self._first = self._most = LEAST_AHEAD
        self._finished = 0
        self._waited: tuple[int, float] | None = None
        """How many were finished after the last wait, and when that was."""
        self._added = perf_counter()
        """When the last call of `add` ended."""

    def expect(self, launch_seconds: float) -> None:
        """Launches take that long from now on."""
        self._first = self._most = _within(launch_seconds, FIRST_AHEAD)

    def add(self) -> None:
        """Notes a launch; waits for the oldest ones if too many are unfinished."""
        if self._device.type != "cuda":
            return
        was_away = perf_counter() - self._added > AWAY_SECONDS
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self._device))
        self._launches.append(event)
        self._drop_finished()
        # If the device was idle without that, too few launches may wait, or the last wait ended late.
        if was_away and len(self._launches) <= 1:
            self._waited, self._most = None, self._first
        if len(self._launches) > self._most:
            self._wait()
        self._added = perf_counter()

    def _drop_finished(self) -> None:
        while self._launches and self._launches[0].query():
            self._launches.popleft()
            self._finished += 1

    def _wait(self) -> None:
        """Waits until no more than allowed are unfinished; decides how many may wait from now on."""
        while len(self._launches) > self._most:
            sleep(WAIT_SECONDS)
            self._drop_finished()
        now = perf_counter()
        if self._waited is not None:
            finished, then = self._waited
            seconds = (now - then) / max(self._finished - finished, 1)
            self._most = _within(seconds, min(2 * self._most, MOST_AHEAD))
            self._first = min(self._most, FIRST_AHEAD)
        self._waited = self._finished, now


def _within(launch_seconds: float, most: int) -> int:
    """How many launches may be unfinished."""
    return min(max(int(MOST_SECONDS_AHEAD / max(launch_seconds, 1e-9)), LEAST_AHEAD), most)
