"""What becomes of a trial whose trainer has ended: it has finished, waits for a decision, or is tried again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.errors import OutOfMemoryError, StorageError
from workbench.processes.worker import EXIT_STORAGE
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event
from workbench.runs.status import Summary, read_summary, status
from workbench.settings.preset import Preset
from workbench.tuning.events import TrialDiscarded, TrialFinished, TrialPaused, TrialRetried, TrialStopped
from workbench.tuning.memory import ACCUMULATION, BATCH_SIZE, half_the_batch
from workbench.tuning.steps import Discard
from workbench.tuning.view import TrialView

MOST_RETRIES = 2
"""Of a trial whose trainer died."""


@dataclass
class Stopping:
    """Whether the trials of a study are being stopped."""

    reason: str = ""
    """Empty where they are not."""
    keeps_trials: bool = False
    """Whether the trials that are stopped continue with the study: they were not judged."""


def disk_problem(run: RunDirectory, exit_code: int | None) -> str:
    """Why a run could not be written; empty where it has not ended for that."""
    summary = read_summary(run)
    if summary is not None:
        return summary.reason if summary.kind == StorageError.kind else ""
    return f"the run {run.path} could not be written" if exit_code == EXIT_STORAGE else ""


def ending_of(
    trial: TrialView,
    run: RunDirectory,
    preset: Preset,
    discard: Discard | None,
    stopping: Stopping,
    *,
    is_adopted: bool,
) -> Event:
    """The event that says what becomes of the trial.

    preset: of the trial. discard: the way's decision about it. is_adopted: whether another controller started it.
    """
    summary, how = read_summary(run), status(run)
    if discard is not None and how in ("completed", "stopped"):
        return TrialDiscarded(trial=trial.number, reason=discard.reason, epoch=discard.epoch)
    if how == "completed" and summary is not None:
        return completed(trial, summary)
    if how == "stopped" and summary is not None:
        is_past = trial.until_epoch is not None and summary.epoch >= trial.until_epoch
        if is_past or summary.epoch in trial.thresholds:  # its trainer may be stricter about what beats a threshold
            return TrialPaused(trial=trial.number, epoch=summary.epoch, seconds=_seconds_of(summary))
        if stopping.keeps_trials or is_adopted:  # an earlier controller has stopped it, and was killed
            return TrialStopped(trial=trial.number)
        return TrialDiscarded(trial=trial.number, reason=stopping.reason or "its run was stopped")
    if how == "failed" and summary is not None:
        return _failed(trial, summary, preset)
    return _lost(trial, stopping)


def completed(trial: TrialView, summary: Summary) -> TrialFinished:
    """The event of a trial that was trained to its end."""
    value = (summary.validation or summary.train or {}).get(summary.monitor)
    return TrialFinished(
        trial=trial.number,
        status="completed",
        value=value if isinstance(value, (int, float)) and math.isfinite(value) else None,
        metric=summary.monitor,
        seconds=_seconds_of(summary),
    )


def _failed(trial: TrialView, summary: Summary, preset: Preset) -> Event:
    """Once, one that ran out of memory is tried again with half the batch."""
    is_of_memory = summary.kind == OutOfMemoryError.kind and not trial.changes
    if is_of_memory and (less := half_the_batch(preset)) is not None:
        reason = f"out of memory: retried with batches of {less[BATCH_SIZE]}, accumulated {less[ACCUMULATION]} times"
        return TrialRetried(trial=trial.number, reason=reason, changes=dict(less))
    return TrialFinished(
        trial=trial.number,
        status="failed",
        seconds=_seconds_of(summary),
        reason=summary.reason,
        kind=summary.kind,
    )


def _lost(trial: TrialView, stopping: Stopping) -> Event:
    """Its trainer was killed: it continues from its checkpoint, if that does not happen again and again."""
    if stopping.keeps_trials:
        return TrialStopped(trial=trial.number)
    if stopping.reason:
        return TrialDiscarded(trial=trial.number, reason=stopping.reason)
    if trial.retries < MOST_RETRIES:
        return TrialRetried(trial=trial.number, reason="its process was killed")
    reason = f"its process was killed {trial.retries + 1} times"
    return TrialFinished(trial=trial.number, status="failed", reason=reason, kind="trainer_lost")


def _seconds_of(summary: Summary) -> float:
    return round(summary.seconds.get("total", 0.0), 3)
