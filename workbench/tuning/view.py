"""What has happened in a study so far, from its events alone: the controller decides by it, viewers show it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.metrics import Metric, metric
from workbench.runs.events import Event
from workbench.runs.tail import EventTail
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import (
    MetricKnown,
    Noted,
    PresetSaved,
    StudyFinished,
    StudyStarted,
    StudyState,
    TrialAsked,
    TrialDiscarded,
    TrialFinished,
    TrialPaused,
    TrialRetried,
    TrialStarted,
    TrialStopped,
    TrialThresholds,
    TrialValue,
    by_epoch,
    decode,
)

TrialStatus = Literal["waiting", "running", "paused", "discarded", "completed", "failed"]
"""waiting: to be trained, or to continue. paused: at the epoch at which is decided whether it continues."""
ENDED = ("discarded", "completed", "failed")


@dataclass
class TrialView:
    """One trial."""

    number: int
    settings: dict[str, Any]
    origin: str = ""
    repeats: int | None = None
    """The trial whose settings this one repeats with another seed."""
    status: TrialStatus = "waiting"
    run: str = ""
    """Name of its run directory; empty where it has none yet, or is trained together with others."""
    values: dict[int, float] = field(default_factory=dict)
    """The monitored metric by epoch; NaN where it is not finite."""
    until_epoch: int | None = None
    """Where it pauses next, as far as is known; None: it is trained to its end."""
    thresholds: dict[int, float | None] = field(default_factory=dict)
    """By epoch, what its best value must beat to train on without a pause; None: it pauses in any case."""
    epoch: int = 0
    value: float | None = None
    """Of the best epoch, once it has completed."""
    metric: str = ""
    """Of that value; in a queue, trials may have different ones."""
    seconds: float = 0.0
    reason: str = ""
    kind: str = ""
    retries: int = 0
    """How often its process was killed."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings that it has taken since it ran out of memory."""
    validation: dict[str, Any] | None = None
    """Of a trial that was trained together with others; that of a run is in its summary."""
    test: dict[str, Any] | None = None
    began: float = 0.0
    """When its present life began, in seconds since 1970."""

    @property
    def trained_settings(self) -> dict[str, Any]:
        """What is trained: the settings that were asked for, with those that a lack of memory has changed."""
        return self.settings | self.changes

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED

    def best(self, metric: Metric) -> float | None:
        """The best value so far; None before the first."""
        finite = [value for value in self.values.values() if math.isfinite(value)]
        return self.value if self.value is not None else max(finite, key=metric.rank, default=None)


@dataclass
class StudyView:
    """A study, updated by its events."""

    trials: dict[int, TrialView] = field(default_factory=dict)
    metric: Metric | None = None
    """By which trials are compared; None until the first has named it."""
    state: str = "starting"
    started: float | None = None
    """When the first controller began, in seconds since 1970."""
    seconds: float = 0.0
    """That all lives of the controller have taken up to the last event, pauses left out."""
    start_seconds: float | None = None
    """Of them, those before the second trial, in which PyTorch is imported and the space is checked."""
    runs: set[str] = field(default_factory=set)
    """Names of all runs that were started: a trial that ran out of memory has two."""
    notes: list[str] = field(default_factory=list)
    places: int | None = None
    """At how many places trials are trained, where somebody has added some or taken some back."""
    finished: StudyFinished | None = None
    saved: PresetSaved | None = None
    """What came of saving the best settings; None where that was not asked for, or not done yet."""
    _last: float = 0.0

    def seconds_at(self, now: float) -> float:
        """The seconds that the study has taken, pauses left out. now: since 1970, not before the last event."""
        is_counted = self._last and self.state != "paused" and self.finished is None
        return self.seconds + (max(now - self._last, 0.0) if is_counted else 0.0)

    def take(self, event: Event) -> None:
        """Updates the view with an event."""
        if isinstance(event, StudyStarted):
            self.started = event.time if self.started is None else self.started
            self.state, self.finished = "running", None
        else:
            self.seconds = self.seconds_at(event.time)
        self._last = event.time
        match event:
            case TrialAsked():
                if len(self.trials) == 1:
                    self.start_seconds = self.seconds
                self.trials[event.trial] = TrialView(
                    event.trial, event.settings, event.origin, event.repeats, until_epoch=event.until_epoch
                )
            case MetricKnown():
                self.metric = metric(event.metric)
            case StudyState():
                self.state = event.state
            case Noted():
                self.notes.append(event.message)
                if event.places is not None:
                    self.places = event.places
            case StudyFinished():
                self.finished, self.state = event, event.status
            case PresetSaved():
                self.saved = event
            case (
                TrialStarted()
                | TrialThresholds()
                | TrialValue()
                | TrialPaused()
                | TrialStopped()
                | TrialDiscarded()
                | TrialFinished()
                | TrialRetried()
            ) if event.trial in self.trials:
                self._take_of(self.trials[event.trial], event)

    def _take_of(self, trial: TrialView, event: Event) -> None:
        match event:
            case TrialStarted():
                trial.status, trial.run, trial.until_epoch = "running", event.run, event.until_epoch
                trial.thresholds, trial.began = by_epoch(event.thresholds), event.time
                if not event.resumed:
                    trial.epoch, trial.value = 0, None
                    trial.values.clear()
                self.runs.add(event.run)
            case TrialThresholds():
                trial.thresholds |= by_epoch(event.thresholds)
            case TrialValue():
                trial.values[event.epoch] = math.nan if event.value is None else event.value
                trial.epoch = event.epoch
                if trial.epoch == trial.until_epoch and self._beats_its_threshold(trial):
                    trial.until_epoch = min((epoch for epoch in trial.thresholds if epoch > trial.epoch), default=None)
            case TrialPaused():
                trial.status, trial.epoch, trial.seconds = "paused", event.epoch, event.seconds
            case TrialStopped():
                trial.status = "waiting"
            case TrialDiscarded():
                trial.status, trial.reason = "discarded", event.reason
                if event.epoch is not None:
                    trial.values = {at: value for at, value in trial.values.items() if at <= event.epoch}
                    trial.epoch, trial.value = event.epoch, None
            case TrialFinished():
                trial.status = "completed" if event.status == "completed" else "failed"
                trial.value, trial.metric, trial.seconds = event.value, event.metric, event.seconds
                trial.reason, trial.kind = event.reason, event.kind
                trial.validation, trial.test = event.validation, event.test
            case TrialRetried():
                trial.status, trial.reason = "waiting", event.reason
                if event.changes or event.afresh:
                    trial.changes, trial.run, trial.epoch = event.changes or trial.changes, "", 0
                    trial.values.clear()
                else:
                    trial.retries += 1

    def _beats_its_threshold(self, trial: TrialView) -> bool:
        threshold = trial.thresholds.get(trial.epoch)
        best = None if self.metric is None else trial.best(self.metric)
        if self.metric is None or threshold is None or best is None:
            return False
        return self.metric.rank(best) > self.metric.rank(threshold)

    def seconds_of(self, trial: TrialView) -> float:
        """The seconds that a trial has taken up to the last event."""
        return trial.seconds + (max(self._last - trial.began, 0.0) if trial.status == "running" else 0.0)

    @property
    def running(self) -> list[TrialView]:
        """The trials that are being trained."""
        return [trial for trial in self.trials.values() if trial.status == "running"]

    def ranked(self) -> list[TrialView]:
        """Those that have a value, the best first; repeats are not among them."""
        if self.metric is None:
            return []
        known = [(trial.best(self.metric), trial) for trial in self.trials.values() if trial.repeats is None]
        ranks = [(self.metric.rank(value), trial) for value, trial in known if value is not None]
        return [trial for _, trial in sorted(ranks, key=lambda pair: (-pair[0], pair[1].number))]

    def repeats_of(self, number: int) -> list[TrialView]:
        """The trials that repeat this one with other seeds."""
        return [trial for trial in self.trials.values() if trial.repeats == number]


def study_tail(study: StudyDirectory) -> EventTail:
    """Reads the events of a study as they come."""
    return EventTail(study.events, decode)


def read_study_view(study: StudyDirectory, tail: EventTail | None = None) -> StudyView:
    """A study as it is now. tail: reads the study's events, and continues behind those that were read here."""
    view, tail = StudyView(), tail or study_tail(study)
    while written := tail.read():
        for _, event in written:
            view.take(event)
    return view
