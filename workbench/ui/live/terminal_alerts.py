"""Alerts of the app itself: what is watched is judged, and the terminal shows its own notification."""

from __future__ import annotations

import time
from collections.abc import Sequence

from workbench.alerts.alert import Alert
from workbench.alerts.clock import Clock
from workbench.alerts.judge import Judge
from workbench.alerts.reader import AlertReader
from workbench.alerts.settings import AlertSettings, load_alerts
from workbench.alerts.terminal import notification
from workbench.errors import WorkbenchError
from workbench.runs.events import Event
from workbench.runs.owned import OwnedDirectory


class TerminalAlerts:
    """Judges a run or a study from now on, and keeps what is to be written to the terminal until it is taken."""

    is_done = True

    def __init__(self, directory: OwnedDirectory) -> None:
        """Settings with an error notify nobody: whoever starts the followers says what is wrong with them."""
        try:
            settings = load_alerts()
        except WorkbenchError:
            settings = AlertSettings()
        self._way = settings.terminal
        self._waiting: list[str] = []
        self._reader: AlertReader | None = None
        if self._way != "off":
            self._reader = AlertReader(Judge(settings, directory, time.time()), [self], Clock())

    def put(self, alert: Alert) -> None:
        """Keeps an alert until it is taken."""
        self._waiting.append(notification(alert, self._way))

    def read(self, events: Sequence[Event], *, is_alive: bool) -> None:
        """What was read just now, often nothing. is_alive: whether the trainer, or the controller, was alive before."""
        if self._reader is not None:
            self._reader.read(events, is_alive=is_alive)

    def take(self) -> list[str]:
        """What is to be written to the terminal since the last call."""
        waiting, self._waiting = self._waiting, []
        return waiting
