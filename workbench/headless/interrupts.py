"""Ctrl-C and SIGTERM while a run or a study is followed: the first asks it to stop, the second kills it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

TWICE_SECONDS = 0.5
"""SIGTERMs within this time count as one: `timeout` of coreutils sends two, to the process and to its group."""


class Interrupts:
    """Counts interrupts inside its `with`; trainers and controllers have sessions of their own and do not get them."""

    def __init__(self) -> None:
        self.count = 0
        self._handled = 0
        self._terminated = 0.0
        """When the last SIGTERM came."""
        self._old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> Interrupts:
        for number in self._old:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def handle(self, stop: Callable[[], None], kill: Callable[[], None]) -> bool:
        """Handles the interrupts since the last call: by `stop`, from the second on by `kill`. True if it stopped."""
        if self.count <= self._handled:
            return False
        self._handled = self.count
        if self.count == 1:
            stop()
            return True
        kill()
        return False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if number == signal.SIGTERM and self._terminated and now - self._terminated < TWICE_SECONDS:
            return
        if number == signal.SIGTERM:
            self._terminated = now
        self.count += 1


def kill_group(leader: int) -> None:
    """Kills a process with all that it started, such as the workers of a loader."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
