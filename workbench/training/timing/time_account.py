"""Adds up the seconds of a run that are not training steps, by category. The phase clock times the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

CATEGORIES = ("validate", "test", "checkpoint", "profile", "capture", "compile", "health", "generate", "paused")
"""The categories, as in summary.json's `seconds`, which adds `train` and `total`."""


class TimeAccount:
    """Seconds by category. What is measured inside another measurement counts once: for the inner category alone."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(CATEGORIES, 0.0)
        self._added = 0.0
        """All seconds ever added: how a measurement knows what was added inside it."""

    def __getitem__(self, category: str) -> float:
        return self._seconds[category]

    @property
    def seconds(self) -> dict[str, float]:
        """The categories that took any time."""
        return {category: seconds for category, seconds in self._seconds.items() if seconds}

    def add(self, category: str, seconds: float) -> float:
        """Adds time to one of CATEGORIES (KeyError for another); returns the seconds."""
        self._seconds[category] += seconds
        self._added += seconds
        return seconds

    @contextmanager
    def measure(self, category: str) -> Iterator[None]:
        """Adds the time inside the `with`, less what is added to any category meanwhile."""
        started, added = perf_counter(), self._added
        try:
            yield
        finally:
            self.add(category, perf_counter() - started - (self._added - added))

    def restore(self, seconds: Mapping[str, float]) -> None:
        """Continues from the seconds of a checkpoint; categories that this version does not know are left out."""
        self._seconds |= {category: seconds[category] for category in CATEGORIES if category in seconds}
