"""Alerts of the app itself: what is watched is judged, and the terminal shows its own notification."""

from __future__ import annotations

import time
from collections.abc import Sequence

from workbench.alerts.terminal_alerts import read_for_terminal
from workbench.runs.events import Event
from workbench.runs.owned import OwnedDirectory


class TerminalAlerts:
    """Judges a run or a study from now on, and keeps what is to be written to the terminal until it is taken."""

    def __init__(self, directory: OwnedDirectory) -> None:
        self._waiting: list[str] = []
        self._reader = read_for_terminal(directory, time.time(), self._waiting.append, of_app=True)

    def read(self, events: Sequence[Event], *, is_alive: bool) -> None:
        """What was read just now, often nothing. is_alive: whether the trainer, or the controller, was alive before."""
        if self._reader is not None:
            self._reader.read(events, is_alive=is_alive)

    def take(self) -> list[str]:
        """What is to be written to the terminal since the last call."""
        waiting = self._waiting.copy()
        self._waiting.clear()
        return waiting
