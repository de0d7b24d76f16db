"""The time, as the judging of alerts and the followers see it; tests have another."""

from __future__ import annotations

import time


class Clock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds that never jump, nor count while the machine sleeps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)
