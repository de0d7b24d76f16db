"""Keeps the host from running too far ahead of the device: a stop or a pause waits for all launches that are queued."""

from __future__ import annotations

from collections import deque
from time import perf_counter, sleep

import torch

MOST_SECONDS_AHEAD = 0.08
"""Work that may wait for the device: enough for the host to be busy with something else for a while, and little enough
to handle requests within a fifth of a second, even where that is a single launch and another one is added."""
FIRST_AHEAD, MOST_AHEAD = 8, 1000
"""Launches that may be unfinished: after the host was away, and at most."""
AWAY_SECONDS = 0.01
"""Time between two launches from which the host was away, as for a validation."""
WAIT_SECONDS = 5e-4
"""Time between two looks at a launch that is waited for. A sleep ends in time wherever the host's timer works; the
blocking wait of CUDA's events depends on an interrupt, whose latency in a virtual machine nobody guarantees."""


class Backlog:
    """Launches that the device has not finished.

    After the host was away few may wait. Their number at most doubles each time the host has to wait, up to what takes
    the device `MOST_SECONDS_AHEAD`: how long launches take is known only once some were waited for, and changes. Of
    launches that take longer than that the host waits for each one: a request must not wait for two.
    """

    def __init__(self, device: torch.device, launch_seconds: float = 0.0) -> None:
        """launch_seconds: how long a launch takes, as far as is known."""
        self._device = device
        self._launches: deque[torch.cuda.Event] = deque()
        """An event behind each launch that is not known to be finished."""
        first = FIRST_AHEAD if launch_seconds <= 0 else int(MOST_SECONDS_AHEAD / launch_seconds)
        self._first = min(first, FIRST_AHEAD)
        self._most = self._first
        self._finished = 0
        self._waited: tuple[int, float] | None = None
        """How many were finished after the last wait, and when that was."""
        self._added = perf_counter()
        """When the last call of `add` ended."""

    def add(self) -> None:
        """Notes a launch; waits for the oldest ones if too many are unfinished."""
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
            within = MOST_SECONDS_AHEAD * (self._finished - finished) / max(now - then, 1e-9)
            self._most = min(int(within), max(2 * self._most, 1), MOST_AHEAD)
        self._waited = self._finished, now
