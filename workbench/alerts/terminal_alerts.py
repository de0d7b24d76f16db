"""Alerts by the terminal of whoever watches a run or a study."""

from __future__ import annotations

from collections.abc import Callable

from workbench.alerts.alert import Alert
from workbench.alerts.clock import Clock
from workbench.alerts.judge import Judge
from workbench.alerts.reader import AlertReader
from workbench.alerts.settings import load_alerts
from workbench.alerts.terminal import Way, notification
from workbench.errors import WorkbenchError
from workbench.runs.owned import OwnedDirectory

Write = Callable[[str], object]
"""Gets what the terminal shows as a notification."""


class TerminalSender:
    """Sends alerts to a terminal."""

    is_done = True

    def __init__(self, way: Way, write: Write) -> None:
        self._way = way
        self._write = write

    def put(self, alert: Alert) -> None:
        self._write(notification(alert, self._way))


def read_for_terminal(
    directory: OwnedDirectory, since: float, write: Write, *, of_app: bool = False
) -> AlertReader | None:
    """What judges the events that happen after `since`, and sends the alerts; None where the user wants none.

    of_app: whether the terminal is that of the app, which announces ends unless the settings say otherwise.

    Settings with an error notify nobody: whoever starts the followers says what is wrong with them.
    """
    try:
        settings = load_alerts()
    except WorkbenchError:
        return None
    if settings.terminal == "off" or (settings.terminal == "app" and not of_app):
        return None
    return AlertReader(Judge(settings, directory, since), [TerminalSender(settings.terminal, write)], Clock())
