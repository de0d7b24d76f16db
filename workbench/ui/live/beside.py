"""What the app starts beside a trainer or a controller: the followers, in a thread, since a key must be answered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from workbench.followers.started import StartedFollowers
from workbench.runs.owned import OwnedDirectory

if TYPE_CHECKING:
    from workbench.ui.live.terminal_alerts import TerminalAlerts


class Beside:
    """The followers of one run or study, and what went wrong with them."""

    def __init__(self, directory: OwnedDirectory) -> None:
        """Made before the trainer is started."""
        self._followers = StartedFollowers(directory)
        self._prevented: list[str] = []

    def start(self) -> None:
        """Starts the followers soon."""
        threading.Thread(target=self._start, daemon=True).start()

    def _start(self) -> None:
        self._prevented += self._followers.start()

    def take_problems(self) -> list[str]:
        """What went wrong since the last call, each a sentence."""
        if self._followers.takes_turn():
            threading.Thread(target=self._followers.check, daemon=True).start()
        prevented, self._prevented = self._prevented, []
        return [*prevented, *self._followers.take_problems()]


def terminal_alerts(directory: OwnedDirectory) -> TerminalAlerts:
    """Notifies by the terminal from now on, unless the user's settings of alerts say otherwise."""
    from workbench.ui.live.terminal_alerts import TerminalAlerts

    return TerminalAlerts(directory)
