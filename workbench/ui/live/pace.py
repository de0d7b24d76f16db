"""How often the app looks at a run, draws what is new, judges it and reads the machine.

A trainer on the CPU uses every core, so the app's work slows its steps. Beside such a run the app draws less often, and
least often while nobody uses it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

TICK_SECONDS = 0.5
"""Between two checks of what is due."""
ALONE_SECONDS = 10.0
"""This long after the last key or click, nobody seems to look closely."""

What = Literal["poll", "draw", "judge", "read"]

_USUAL: dict[What, float] = {"poll": TICK_SECONDS, "draw": TICK_SECONDS, "judge": TICK_SECONDS, "read": 1.0}
_BESIDE_CPU: dict[What, float] = {"poll": TICK_SECONDS, "draw": 1.0, "judge": 3.0, "read": 2.0}
_BESIDE_CPU_ALONE: dict[What, float] = {"poll": 3.0, "draw": 3.0, "judge": 3.0, "read": 3.0}


class Pace:
    """Knows when each thing was last done, and so what is due."""

    def __init__(self, *, slower: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """slower: the factor by which all intervals grow. clock: seconds."""
        self.tick_seconds = TICK_SECONDS * slower
        self._slower = slower
        self._clock = clock
        self._touched = clock()
        self._done: dict[What, float] = {}

    def touch(self) -> None:
        """Notes that the user pressed a key or the mouse."""
        self._touched = self._clock()

    @property
    def is_left_alone(self) -> bool:
        """Whether nobody has touched the app for a while."""
        return self._clock() - self._touched > ALONE_SECONDS

    def is_due(self, what: What, *, beside_cpu: bool) -> bool:
        """Whether it is time to do it; if so, it counts as done now.

        beside_cpu: whether a trainer uses the CPU's cores.
        """
        now = self._clock()
        intervals = _USUAL if not beside_cpu else _BESIDE_CPU_ALONE if self.is_left_alone else _BESIDE_CPU
        # A timer is not exact to the millisecond: up to half a tick early counts as due.
        least = intervals[what] * self._slower - self.tick_seconds / 2
        if now - self._done.get(what, -float("inf")) < least:
            return False
        self._done[what] = now
        return True
