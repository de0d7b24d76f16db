"""Ctrl-C and SIGTERM while a run is followed: the first asks its trainer to stop, the second kills it."""

from __future__ import annotations

import os
import signal
import subprocess
from types import FrameType

from workbench.errors import StorageError
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory


class Interrupts:
    """Counts interrupts inside its `with`; the trainer has a session of its own and does not get them."""

    def __init__(self) -> None:
        self.count = 0
        self._handled = 0
        self._old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> Interrupts:
        for number in self._old:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def handle(self, run: RunDirectory, trainer: subprocess.Popen[bytes]) -> bool:
        """Handles the interrupts since the last call; True if it has now asked the trainer to stop."""
        if self.count <= self._handled:
            return False
        self._handled = self.count
        if self.count == 1:
            _ask_to_stop(run, trainer)
            return True
        _kill(trainer)
        return False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def _ask_to_stop(run: RunDirectory, trainer: subprocess.Popen[bytes]) -> None:
    try:
        ask(run, "stop")
    except StorageError:
        trainer.terminate()  # a full disk must not keep a run from being stopped


def _kill(trainer: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(trainer.pid, signal.SIGKILL)  # its loader workers too
    except ProcessLookupError:
        trainer.kill()
