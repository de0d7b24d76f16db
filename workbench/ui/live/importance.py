"""Keeps the importance of a study's settings up to date, computed in another process."""

from __future__ import annotations

import json
import math
import subprocess
from typing import Any

from workbench.tuning.importance import LEAST_TRIALS
from workbench.tuning.importance_process import start_importance
from workbench.ui.live.study_watch import StudyWatch

GROWTH = 1.5
"""While a study runs, it is computed again when there are this many times as many trials with a value."""


class Importance:
    """The importance of the settings of the study that is watched."""

    def __init__(self) -> None:
        self.fractions: dict[str, float] = {}
        """By path of the setting; empty while unknown."""
        self._watch: StudyWatch | None = None
        self._process: subprocess.Popen[str] | None = None
        self._known = 0
        """How many trials with a value it was last computed from."""

    def look(self, watch: StudyWatch | None) -> bool:
        """Starts the process when there is enough new, and takes what it has found; True if something has changed."""
        changed = False
        if watch is not self._watch:
            changed = bool(self.fractions)
            self._watch, self._process, self._known, self.fractions = watch, None, 0, {}
        if self._process is not None:
            return self._take() or changed
        if watch is None or watch.question.way != "search":
            return changed
        valued = len(watch.reached)
        least = max(LEAST_TRIALS, self._known * GROWTH if watch.is_alive else self._known + 1)
        if valued >= least:
            self._known = valued
            try:
                self._process = start_importance(watch.study)
            except OSError:
                self._process = None  # it is left out
        return changed

    def _take(self) -> bool:
        """Takes what the process has written, once it has ended."""
        process = self._process
        if process is None or process.poll() is None:
            return False
        self._process = None
        written = process.stdout.read() if process.stdout is not None else ""
        if process.stdout is not None:
            process.stdout.close()
        before, self.fractions = self.fractions, _fractions(written)
        return self.fractions != before


def _fractions(text: str) -> dict[str, float]:
    try:
        found: Any = json.loads(text)
        return {str(path): float(value) for path, value in found.items() if math.isfinite(value)}
    except (ValueError, TypeError, AttributeError):
        return {}
