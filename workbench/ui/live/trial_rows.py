"""Trials as rows that can be compared like runs."""

from __future__ import annotations

from datetime import UTC, datetime

from workbench.errors import WorkbenchError
from workbench.runs.catalogue import read_row
from workbench.runs.row import RunRow
from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import StudyWatch


def trial_row(watch: StudyWatch, trial: TrialView) -> RunRow:
    """A trial: as its run tells it; one without a run of its own, as the study does."""
    if trial.run and not (row := read_row(watch.study.run(trial.run))).broken:
        return row
    try:
        settings = watch.preset_of(trial).flat()
    except WorkbenchError:  # settings that do not fit together failed for that
        settings = watch.own | trial.trained_settings
    metric = watch.view.metric
    return RunRow(
        watch.study.run(trial.run or f"trial {trial.number}"),
        status="completed" if trial.status == "completed" else "failed" if trial.status == "failed" else "stopped",
        preset_name=watch.preset.name,
        started=datetime.fromtimestamp(trial.began, UTC) if trial.began else None,
        settings=settings,
        epoch=max(trial.values, default=0),
        epochs=watch.preset.training.epochs,
        monitor="" if metric is None else metric.name,
        best=None if metric is None else trial.best(metric),
        seconds=trial.seconds or None,
        metrics=trial.validation,
        test=trial.test,
        reason=trial.reason,
    )
