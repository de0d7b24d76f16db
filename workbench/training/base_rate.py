"""The learning rate of each step before the schedule's factor: where it begins, and every change since."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from workbench.settings.changes import Change


class BaseRate:
    """A rate for any step: an engine may ask ahead, and of a loss that comes late the rate is still known."""

    def __init__(self, first: float, changes: Sequence[Change] = ()) -> None:
        """first: of step 1; changes: in order of their steps."""
        self._first = first
        self.changes = tuple(changes)

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of them, those to come included."""
        return self._changes

    @changes.setter
    def changes(self, changes: tuple[Change, ...]) -> None:
        self._changes = changes
        self._steps = [change.step for change in changes]
        self._rates = [self._first, *(change.learning_rate for change in changes)]

    def at(self, step: int) -> float:
        """The rate of optimizer step `step`, counted from 1."""
        return self._rates[bisect_left(self._steps, step)]

    def changed(self, change: Change) -> tuple[Change, ...]:
        """The changes with one more, made by hand: it takes the place of those at its step and after it."""
        before = tuple(earlier for earlier in self._changes if earlier.step < change.step)
        rate = before[-1].learning_rate if before else self._first
        return before if rate == change.learning_rate else (*before, change)
