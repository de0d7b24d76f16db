"""A queue: several presets, or a preset with several lists of changes, each trained once."""

from __future__ import annotations

from typing import Any

from workbench.tuning.steps import Done, Step
from workbench.tuning.view import StudyView
from workbench.tuning.ways.listed import Listed, runs_of


class Queue(Listed):
    """Trains each of them to its end; one that fails holds up no other."""

    @property
    def at_once(self) -> int:
        """Whoever queues trainings wants their runs."""
        return 1

    def next(self, view: StudyView) -> Step:
        step = super().next(view)
        failed = sum(trial.status == "failed" for trial in view.trials.values())
        if isinstance(step, Done) and failed:
            return Done(f"{failed} of {len(view.trials)} trainings failed", failed=True)
        return step

    def result(self, view: StudyView) -> dict[str, Any]:
        """They may have different metrics: each names its own."""
        return {"runs": runs_of(view)}
