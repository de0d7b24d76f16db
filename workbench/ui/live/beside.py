"""What the app starts beside a trainer or a controller: the followers, in a thread, since a key must be answered."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from workbench.alerts.file import has_alerts
from workbench.followers.files import Kind, ProblemReader
from workbench.followers.guard import Guard
from workbench.runs.owned import OwnedDirectory

if TYPE_CHECKING:
    from workbench.ui.live.terminal_alerts import TerminalAlerts


class Beside:
    """The followers of one run or study, and what went wrong with them."""

    def __init__(self, directory: OwnedDirectory) -> None:
        """Made before the trainer is started."""
        self._directory = directory
        self._since = time.time()
        self._reader = ProblemReader(directory)
        self._problems: list[str] = []
        self._guard = Guard(directory, self._restart)

    def start(self) -> None:
        """Starts the followers soon."""
        threading.Thread(target=self._start, daemon=True).start()

    def _start(self) -> None:
        from workbench.followers.start import start_followers

        self._problems += start_followers(self._directory, since=self._since)

    def _restart(self, kind: Kind, since: float) -> list[str]:
        from workbench.followers.start import start_followers

        return start_followers(self._directory, since=since, kinds=[kind])

    def _check(self) -> None:
        self._problems += self._guard.check()

    def take_problems(self) -> list[str]:
        """What went wrong since the last call, each a sentence."""
        if self._guard.takes_turn():
            threading.Thread(target=self._check, daemon=True).start()
        problems, self._problems = [*self._problems, *self._reader.read()], []
        return problems


def terminal_alerts(directory: OwnedDirectory) -> TerminalAlerts | None:
    """Notifies by the terminal from now on; None where no alerts are set, which then costs nothing."""
    if not has_alerts():
        return None
    from workbench.ui.live.terminal_alerts import TerminalAlerts

    return TerminalAlerts(directory)
