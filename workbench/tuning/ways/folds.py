"""Cross-validation: a trial for each fold, and all that they left out judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.processes.out_of_fold import OutOfFold, judge_out_of_fold, read_judged
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.folds import FOLD, result_of
from workbench.tuning.steps import Done, Step
from workbench.tuning.view import StudyView, TrialView
from workbench.tuning.ways.listed import Listed

WITHOUT_ANSWER = ("failed", "discarded")
"""Folds whose samples have no answer."""


class Folds(Listed):
    """Trains each fold to its end; one that fails ends the study, for a sample would be left without an answer.

    When the study is resumed, that fold begins again.
    """

    def __init__(self, changes: Sequence[Mapping[str, Any]], study: StudyDirectory) -> None:
        super().__init__(changes, [f"fold {each[FOLD]}" for each in changes])
        self._study = study

    def next(self, view: StudyView) -> Step:
        return self.gives_up(view) or super().next(view)

    def gives_up(self, view: StudyView) -> Done | None:
        failed = next((trial for trial in view.trials.values() if trial.status in WITHOUT_ANSWER), None)
        if failed is None:
            return None
        return Done(f"{failed.origin} {failed.status}: {failed.reason}", failed=True)

    def begins_again(self, view: StudyView) -> Sequence[int]:
        return [trial.number for trial in view.trials.values() if trial.status in WITHOUT_ANSWER]

    @property
    def needs_scores(self) -> bool:
        return True

    def result(self, view: StudyView) -> dict[str, Any]:
        """All of it once every fold is trained; before, the names of the runs alone. Raises WorkbenchError."""
        trials = list(view.trials.values())
        if len(trials) == len(self._changes) and all(trial.status == "completed" for trial in trials):
            return result_of(self._judged(trials), [trial.run for trial in trials])
        return {
            "metric": view.metric.name if view.metric else None,
            "mean": None,
            "deviation": None,
            "folds": [{"fold": trial.settings[FOLD], "run": trial.run, "value": trial.value} for trial in trials],
            "pooled": None,
        }

    def _judged(self, trials: Sequence[TrialView]) -> OutOfFold:
        known = None if any(trial.run for trial in trials) else read_judged(self._study.judged, len(trials))
        if known is not None:
            return known
        scores = [self._study.scores_of(trial.number, trial.run) for trial in trials]
        return judge_out_of_fold(self._study.preset, scores)
