"""What the headless command does beside a run or a study: starts the followers, and notifies by its own terminal.

What that takes is imported once the trainer has been started, which imports PyTorch meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import output
from workbench.alerts.file import has_alerts
from workbench.followers.started import StartedFollowers
from workbench.runs.events import Event
from workbench.runs.owned import OwnedDirectory

if TYPE_CHECKING:
    from workbench.alerts.reader import AlertReader


class Beside:
    """Made before the trainer is started."""

    def __init__(self, directory: OwnedDirectory) -> None:
        self._directory = directory
        self._followers = StartedFollowers(directory)
        self._alerts: AlertReader | None = None

    def start(self, say: Callable[[str], object], tensorboard: Path | None = None) -> None:
        """Starts the followers. say: tells the user what prevented one."""
        for problem in self._followers.start(tensorboard):
            say(f"warning: {problem}")
        if has_alerts():
            from workbench.alerts.terminal_alerts import read_for_terminal

            self._alerts = read_for_terminal(self._directory, self._followers.since, output.to_terminal)

    def read(self, events: Sequence[Event], *, is_alive: bool) -> None:
        """What was read just now, often nothing. is_alive: whether the trainer, or the controller, was alive before."""
        if self._alerts is not None:
            self._alerts.read(events, is_alive=is_alive)
        if self._followers.takes_turn():
            self._followers.check()

    def end(self) -> None:
        """Says what has gone wrong in the followers."""
        for problem in self._followers.take_problems():
            print(f"warning: {problem}", file=sys.stderr)
