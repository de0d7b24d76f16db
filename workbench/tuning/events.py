"""The events of a study, which its controller writes and everyone else reads: one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from workbench.runs.event_lines import decoder
from workbench.runs.events import Event


@dataclass(frozen=True, kw_only=True)
class StudyStarted(Event):
    """The controller's process began, or began again."""

    type: ClassVar[str] = "study_started"
    process_id: int
    resumed: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialAsked(Event):
    """A trial is to be made: the settings that it changes, by path."""

    type: ClassVar[str] = "trial_asked"
    trial: int
    """Number, from 0."""
    settings: dict[str, Any]
    origin: str = ""
    """Where the settings come from: preset, sampler, near the best, fresh seed of a trial, ..."""
    repeats: int | None = None
    """The trial whose settings are trained again with another seed."""
    until_epoch: int | None = None
    """It stops there for a decision; None: it is trained to its end."""


@dataclass(frozen=True, kw_only=True)
class TrialStarted(Event):
    """A trial is being trained, from its start or from its checkpoint."""

    type: ClassVar[str] = "trial_started"
    trial: int
    run: str
    """Name of its run directory in `trials/`; empty for one that is trained together with others."""
    until_epoch: int | None = None
    """It stops there for a decision, unless it beats the threshold; None: it is trained to its end."""
    thresholds: dict[str, float | None] = field(default_factory=dict)
    """By epoch: as of `TrialThresholds`."""
    resumed: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialThresholds(Event):
    """Where a trial that is being trained pauses from now on: others have reached an epoch that decides."""

    type: ClassVar[str] = "trial_thresholds"
    trial: int
    thresholds: dict[str, float | None]
    """By epoch, what its best value must beat to train on without a pause; null: it pauses in any case."""


@dataclass(frozen=True, kw_only=True)
class TrialValue(Event):
    """The value of the monitored metric after an epoch of a trial."""

    type: ClassVar[str] = "trial_value"
    trial: int
    epoch: int
    value: float | None
    """None where it is not finite."""


@dataclass(frozen=True, kw_only=True)
class TrialPaused(Event):
    """A trial has reached the epoch at which is decided whether it continues."""

    type: ClassVar[str] = "trial_paused"
    trial: int
    epoch: int
    seconds: float = 0.0
    """That it has taken so far."""


@dataclass(frozen=True, kw_only=True)
class TrialStopped(Event):
    """A trial was stopped with its study: it continues where it was, or, where it has no run, begins again."""

    type: ClassVar[str] = "trial_stopped"
    trial: int


@dataclass(frozen=True, kw_only=True)
class TrialDiscarded(Event):
    """A trial does not continue."""

    type: ClassVar[str] = "trial_discarded"
    trial: int
    reason: str
    epoch: int | None = None
    """After which it was decided: values of later epochs do not count. None: all count."""


@dataclass(frozen=True, kw_only=True)
class TrialFinished(Event):
    """A trial has ended by itself."""

    type: ClassVar[str] = "trial_finished"
    trial: int
    status: str
    """completed or failed."""
    value: float | None = None
    """Of the monitored metric, at the best epoch."""
    metric: str = ""
    """Which that is."""
    seconds: float = 0.0
    """That it has taken."""
    reason: str = ""
    """Why it has failed."""
    kind: str = ""
    """Which error, as in workbench.errors."""
    validation: dict[str, Any] | None = None
    """Of a trial that has no run: numbers by metric, with the best weights. A run has them in its summary."""
    test: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class TrialRetried(Event):
    """A trial that failed or was lost is tried once more."""

    type: ClassVar[str] = "trial_retried"
    trial: int
    reason: str
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings that it takes now; with any, it is trained from the start, in a new run."""
    afresh: bool = False
    """Whether it is trained from the start, in a new run, with the settings that it had."""


@dataclass(frozen=True, kw_only=True)
class MetricKnown(Event):
    """The metric by which trials are compared, as the first trial has named it."""

    type: ClassVar[str] = "metric_known"
    metric: str


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """Something that the user should know."""

    type: ClassVar[str] = "noted"
    is_progress: ClassVar[bool] = False
    message: str
    places: int | None = None
    """How many places the study has from then on, where somebody has asked for more or fewer."""


@dataclass(frozen=True, kw_only=True)
class StudyState(Event):
    """What the study is doing: running, paused."""

    type: ClassVar[str] = "study_state"
    state: str


@dataclass(frozen=True, kw_only=True)
class StudyFinished(Event):
    """The controller ends by itself; summary.json holds the result."""

    type: ClassVar[str] = "study_finished"
    status: str
    """completed, stopped or failed."""
    reason: str = ""
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True)
class PresetSaved(Event):
    """The best settings were saved as a preset, as `Question.save_as` asks, or why not. It follows the study's end."""

    type: ClassVar[str] = "preset_saved"
    path: str = ""
    """Of the preset's file; empty where it was not saved."""
    problem: str = ""
    exit_code: int = 0
    """0 where there was nothing to save."""


def written(thresholds: Mapping[int, float | None]) -> dict[str, float | None]:
    """Thresholds by epoch, as an event has them: keys of JSON are texts."""
    return {str(epoch): value for epoch, value in thresholds.items()}


def by_epoch(thresholds: Mapping[str, float | None]) -> dict[int, float | None]:
    """The thresholds of an event."""
    return {int(epoch): value for epoch, value in thresholds.items() if epoch.isdecimal()}


decode = decoder(
    (
        StudyStarted, TrialAsked, TrialStarted, TrialThresholds, TrialValue, TrialPaused, TrialDiscarded, TrialFinished,
        TrialRetried, TrialStopped, MetricKnown, Noted, StudyState, StudyFinished, PresetSaved,
    )
)  # fmt: skip
"""Finds the event of a study in a line; None where there is none."""
