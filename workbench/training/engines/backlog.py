"""Not too far ahead of the device: a stop or a pause waits for all launches that are queued."""

from __future__ import annotations

from collections import deque
from time import perf_counter

import torch

MOST_SECONDS_AHEAD = 0.1
"""Work that may wait for the device: enough for the host to be busy with something else for a while, and little enough
to handle requests within a fifth of a second."""
LEAST_AHEAD, FIRST_AHEAD, MOST_AHEAD = 1, 8, 1000
"""Launches that may wait: at least, after the device has been idle, and at most."""


class Backlog:
    """Launches that the device has not finished.

    After the device has been idle few may wait. Their number at most doubles each time the host has to wait, up to what
    takes the device `MOST_SECONDS_AHEAD`: how long launches take is known only once some were waited for, and changes.
    """

    def __init__(self, device: torch.device, launch_seconds: float = 0.0) -> None:
        """launch_seconds: how long a launch takes, as far as is known."""
        self._device = device
        self._launches: deque[torch.cuda.Event] = deque()
        """An event behind each launch that is not known to be finished."""
        first = FIRST_AHEAD if launch_seconds <= 0 else int(MOST_SECONDS_AHEAD / launch_seconds)
        self._first = min(max(first, LEAST_AHEAD), FIRST_AHEAD)
        self._most = self._first
        self._finished = 0
        self._waited: tuple[int, float] | None = None
        """How many were finished after the last wait, and when that was."""

    def add(self) -> None:
        """Notes a launch; waits for the oldest ones if too many are unfinished."""
        event = torch.cuda.Event(blocking=True)
        event.record(torch.cuda.current_stream(self._device))
        self._launches.append(event)
        while self._launches and self._launches[0].query():
            self._launches.popleft()
            self._finished += 1
        if len(self._launches) <= 1:  # the device was idle: that time says nothing about launches
            self._waited, self._most = None, self._first
        if (excess := len(self._launches) - self._most) <= 0:
            return
        self._launches[excess - 1].synchronize()
        for _ in range(excess):
            self._launches.popleft()
        self._finished += excess
        now = perf_counter()
        if self._waited is not None:
            finished, then = self._waited
            within = MOST_SECONDS_AHEAD * (self._finished - finished) / max(now - then, 1e-9)
            self._most = min(max(round(within), LEAST_AHEAD), 2 * self._most, MOST_AHEAD)
        self._waited = self._finished, now
