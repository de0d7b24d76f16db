"""Trials that are listed beforehand: a preset over seeds, the folds of a cross-validation, a queue of presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.tuning.statistics import mean_and_deviation, mean_interval
from workbench.tuning.steps import Discard, Done, NewTrial, Step, Wait
from workbench.tuning.view import StudyView, TrialView

MOST_SHOWN = 3
"""Failures that are said one by one."""


class Listed:
    """Trains each of them to its end; one that fails holds up no other, but then the study has failed."""

    def __init__(self, changes: Sequence[Mapping[str, Any]], origins: Sequence[str]) -> None:
        """changes: the settings of each trial. origins: what each is, in words."""
        self._changes = changes
        self._origins = origins

    def next(self, view: StudyView) -> Step:
        number = len(view.trials)
        if number < len(self._changes):
            return NewTrial(self._changes[number], self._origins[number])
        if all(trial.has_ended for trial in view.trials.values()):
            failed = [trial for trial in view.trials.values() if trial.status == "failed"]
            completed = any(trial.status == "completed" for trial in view.trials.values())
            return Done(_what_failed(failed, number), failed=bool(failed) or not completed)
        return Wait()

    def gives_up(self, view: StudyView) -> Done | None:
        return None

    def begins_again(self, view: StudyView) -> Sequence[int]:
        return ()

    @property
    def at_once(self) -> int:
        return len(self._changes)

    @property
    def decided_after(self) -> Sequence[int]:
        return ()

    @property
    def needs_scores(self) -> bool:
        return False

    def discards_among(self, view: StudyView, trials: Sequence[int], epoch: int) -> list[Discard]:
        return []

    def is_over(self, view: StudyView, seconds: float) -> str:
        return ""

    @property
    def most_weights(self) -> int | None:
        return len(self._changes)

    def thresholds(self, view: StudyView, trial: TrialView, until_epoch: int) -> dict[int, float | None]:
        return {until_epoch: None}

    def discards(self, view: StudyView, trial: TrialView) -> Discard | None:
        return None

    def keeps_weights(self, view: StudyView, trial: TrialView) -> bool:
        return True

    def result(self, view: StudyView) -> dict[str, Any]:
        """Of repeats. low, high: the interval of 95 % of the mean, null for fewer than two values."""
        values = [trial.value for trial in view.trials.values() if trial.value is not None]
        low, high = mean_interval(values) if len(values) > 1 else (None, None)
        return {
            "metric": view.metric.name if view.metric else None,
            "mean": mean_and_deviation(values)[0] if values else None,
            "low": low,
            "high": high,
            "runs": runs_of(view),
        }


def _what_failed(failed: Sequence[TrialView], count: int) -> str:
    """Which trainings failed and why, in a line; empty where none did."""
    if not failed:
        return ""
    shown = "; ".join(f"{trial.origin}: {trial.reason}" for trial in failed[:MOST_SHOWN])
    more = f"; and {len(failed) - MOST_SHOWN} more" if len(failed) > MOST_SHOWN else ""
    return f"{len(failed)} of {count} trainings failed: {shown}{more}"


def runs_of(view: StudyView) -> list[dict[str, Any]]:
    """Each trial, as JSON holds it."""
    return [
        {
            "run": trial.run,
            "settings": trial.trained_settings,
            "metric": trial.metric or None,
            "value": trial.value,
            "status": trial.status,
        }
        for trial in view.trials.values()
    ]
