"""The log of a follower: a line each time, with the time before it. A full disk loses lines, and nothing else."""

from __future__ import annotations

import contextlib
import os
import time

from workbench.followers.files import PROBLEM


class Log:
    """Appends lines to an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, text: str) -> None:
        """Writes a line."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(text.split())}\n"
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line.encode(errors="replace"))

    def problem(self, text: str) -> None:
        """Writes a line that whoever watches the run sees too."""
        self.say(f"{PROBLEM}{text}")
