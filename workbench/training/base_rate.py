"""The learning rate of each step: the base rate, which others may change, times the schedule's factor."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from workbench.settings.changes import Change
from workbench.settings.schedule import Schedule


class BaseRate:
    """The rate of any step before the schedule's factor: engines ask ahead, and losses that come late ask back."""

    def __init__(self, first: float, changes: Sequence[Change] = ()) -> None:
        """first: of step 1; changes: in order of their steps."""
        self._first = first
        self.changes = tuple(changes)

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, those of steps to come included."""
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
        """The changes with one more, which replaces those at its step and after it."""
        before = tuple(earlier for earlier in self._changes if earlier.step < change.step)
        rate = before[-1].learning_rate if before else self._first
        return before if rate == change.learning_rate else (*before, change)


class ScheduledRate:
    """The learning rate that an engine trains a step with: the base rate times the schedule's factor."""

    def __init__(self, base: Callable[[int], float], schedule: Schedule, steps_per_epoch: int) -> None:
        """base: the rate of a step before the schedule's factor, by the step's number."""
        self._base = base
        self._schedule = schedule
        self._steps_per_epoch = steps_per_epoch

    def at(self, step: int) -> float:
        """The rate of optimizer step `step`, counted from 1."""
        return self._base(step) * self._schedule.factor((step - 1) / self._steps_per_epoch)
