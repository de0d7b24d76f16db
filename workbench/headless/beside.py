"""What the headless command does beside a run or a study: starts the followers, and notifies by its own terminal.

What that takes is imported once the trainer has been started, which imports PyTorch meanwhile.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import output
from workbench.alerts.file import has_alerts
from workbench.errors import WorkbenchError
from workbench.followers.files import Kind, ProblemReader
from workbench.followers.guard import Guard
from workbench.runs.events import Event
from workbench.runs.owned import OwnedDirectory

if TYPE_CHECKING:
    from workbench.alerts.alert import Alert
    from workbench.alerts.reader import AlertReader
    from workbench.alerts.terminal import Way


class TerminalSender:
    """Writes to the terminal."""

    is_done = True

    def __init__(self, way: Way) -> None:
        self._way = way

    def put(self, alert: Alert) -> None:
        """Writes at once; nothing where no terminal is there."""
        from workbench.alerts.terminal import notification

        output.to_terminal(notification(alert, self._way))


class Beside:
    """Made before the trainer is started."""

    def __init__(self, directory: OwnedDirectory) -> None:
        self._directory = directory
        self._since = time.time()
        self._problems = ProblemReader(directory)
        self._tensorboard: Path | None = None
        self._guard = Guard(directory, self._restart)
        self._ended: list[str] = []
        """What the guard has said."""
        self._alerts: AlertReader | None = None

    def start(self, say: Callable[[str], object], tensorboard: Path | None = None) -> None:
        """Starts the followers. say: tells the user what prevented one."""
        from workbench.followers.start import start_followers

        self._tensorboard = tensorboard
        for problem in start_followers(self._directory, tensorboard=tensorboard, since=self._since):
            say(f"warning: {problem}")
        self._alerts = self._terminal_alerts()

    def _restart(self, kind: Kind, since: float) -> list[str]:
        from workbench.followers.start import start_followers

        return start_followers(self._directory, tensorboard=self._tensorboard, since=since, kinds=[kind])

    def _terminal_alerts(self) -> AlertReader | None:
        if not has_alerts():
            return None
        from workbench.alerts.clock import Clock
        from workbench.alerts.settings import load_alerts

        try:
            settings = load_alerts()
        except WorkbenchError:
            return None  # whoever started the followers has heard of it
        if settings.terminal == "off":
            return None
        from workbench.alerts.judge import Judge
        from workbench.alerts.reader import AlertReader

        sender = TerminalSender(settings.terminal)
        return AlertReader(Judge(settings, self._directory, self._since), [sender], Clock())

    def read(self, events: Sequence[Event], *, is_alive: bool) -> None:
        """What was read just now, often nothing. is_alive: whether the trainer, or the controller, was alive before."""
        if self._alerts is not None:
            self._alerts.read(events, is_alive=is_alive)
        if self._guard.takes_turn():
            self._ended += self._guard.check()

    def end(self) -> None:
        """Says what has gone wrong in the followers."""
        for problem in [*self._ended, *self._problems.read()]:
            print(f"warning: {problem}", file=sys.stderr)
