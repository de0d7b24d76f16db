"""Decides which of the trials that wait are trained together."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized

from workbench.errors import WorkbenchError
from workbench.processes.together import key_of, why_alone
from workbench.tuning.question import Together as Wanted
from workbench.tuning.record import StudyRecord
from workbench.tuning.together import ONE_BY_ONE
from workbench.tuning.view import TrialView


class Gathering:
    """Gathers trials that differ only in numbers."""

    def __init__(self, record: StudyRecord, wanted: Wanted, places: Sized) -> None:
        """places: among which the trials that may be asked for at once are divided; their number may change."""
        self.if_faster = wanted != "always"
        self._record = record
        self._at_once = 1 if wanted == "never" else record.way.at_once
        self._places = places
        self._keys: dict[int, str] = {}
        """By trial; empty for one that is trained alone. Only of those that have not begun."""
        self._refused: set[str] = set()

    @property
    def _most(self) -> int:
        """How many are trained together at one place, at most."""
        return math.ceil(self._at_once / max(len(self._places), 1))

    def group(self, waiting: Sequence[TrialView]) -> list[TrialView]:
        """Those that are to be trained together with the first of them; it alone where there are no others.

        waiting: at least one.
        """
        key = self._key(waiting[0])
        return [trial for trial in waiting if self._key(trial) == key][: self._most] if key else [waiting[0]]

    def wants_more(self, waiting: Sequence[TrialView]) -> bool:
        """Whether another trial is to be asked for before those that wait are trained."""
        return len(waiting) < self._most and bool(self._key(waiting[0])) and len(self.group(waiting)) == len(waiting)

    def refuse(self, trial: TrialView) -> None:
        """Trials that look like this one are trained one by one from now on."""
        self._refused.add(self._key(trial))

    def _key(self, trial: TrialView) -> str:
        """Equal for trials that can be trained together; empty for one that is trained alone.

        A repeat of one of the best is a run: it has weights, and what is measured of a run.
        """
        if self._most < 2 or trial.run or trial.changes or trial.repeats is not None:
            return ""
        if trial.number not in self._keys:
            self._keys[trial.number] = self._find_key(trial)
        key = self._keys[trial.number]
        return "" if key in self._refused else key

    def _find_key(self, trial: TrialView) -> str:
        try:
            preset = self._record.preset_of(trial)
        except WorkbenchError:
            return ""  # training it says why
        if reason := why_alone(preset):
            self._record.note(f"{ONE_BY_ONE}: {reason}")
            return ""
        return key_of(preset)
