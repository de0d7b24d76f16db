"""Recognises when a run makes no progress for long past its usual pace."""

from __future__ import annotations

from collections import defaultdict, deque

from workbench.runs.events import Event, Finished, Prepared, Progress, Started, State
from workbench.tuning.events import StudyFinished, StudyStarted, StudyState

GAPS = 50
"""The usual wait is the longest of the last of them: a first slow step is forgotten."""
FIRST_SECONDS = 600.0
"""The least that the first wait of its kind may take: the first step, the first validation."""
WITHOUT_PACE = ("preparing", "paused", "")
"""States in which nothing is expected: a download takes what it takes, and a pause lasts until the user ends it."""


class Pace:
    """The waits between what a trainer writes, for each of its states, since validation is slower than a step.

    A trainer writes its losses ten times a second, or each step where steps are slower. A controller writes after each
    epoch of a trial.
    """

    def __init__(self, factor: float, least_seconds: float) -> None:
        self._factor = factor
        self._least = least_seconds
        self._gaps: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=GAPS))
        self._state = ""
        self._trained = 0.0
        """Seconds since training began, in this life."""
        self._last: float | None = None
        """The time of the last progress."""
        self._said = False

    def take(self, event: Event) -> bool:
        """Learns from an event; returns whether it is progress."""
        if not event.is_progress:
            return False
        if self._last is not None and self._state not in WITHOUT_PACE:
            gap = max(event.time - self._last, 0.0)
            self._gaps[self._state].append(gap)
            self._trained += gap
        self._last, self._said = event.time, False
        match event:
            case Started() | StudyStarted():
                self._gaps.clear()  # it may continue on another machine
                self._trained = 0.0
                self._state = "preparing" if isinstance(event, Started) else "running"
            case State(state=state) | StudyState(state=state):
                self._state = state
            case Prepared():
                self._state = "training"
            case Progress():
                self._state = "preparing"
            case Finished() | StudyFinished():
                self._state = ""
        return True

    @property
    def usual_seconds(self) -> float | None:
        """The longest usual wait; None before there is one."""
        gaps = self._gaps.get(self._state)
        return max(gaps) if gaps else None

    def is_stalled(self, seconds: float) -> bool:
        """Whether it has just become clear that the run stalls: True once until there is progress.

        seconds: since the last progress was read.
        """
        if self._said or self._state in WITHOUT_PACE:
            return False
        usual = self.usual_seconds
        # The first validation may take as long as what was trained before it.
        expected = max(self._trained, FIRST_SECONDS) if usual is None else self._factor * usual
        self._said = seconds > max(expected, self._least)
        return self._said
