"""Decides from the events of a run or a study which alerts there are: each thing that happens is one alert.

The headless command, the app and the detached follower all judge by this, each for the ways in which it sends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from workbench.alerts.alert import Alert, EventName
from workbench.alerts.pace import Pace
from workbench.alerts.settings import AlertSettings
from workbench.errors import DivergedError
from workbench.metrics import headline_metrics, in_reading_order, metric, written
from workbench.runs.events import EpochEnd, Event, Finished, Started, State
from workbench.runs.owned import OwnedDirectory
from workbench.runs.view import RunView
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import StudyFinished, StudyStarted, TrialValue
from workbench.tuning.view import StudyView
from workbench.units import count, counted, duration

MOST_CHARACTERS = 1000
"""Of an alert's text: the reason for a failure may be long."""


class Subject(Protocol):
    """What is judged: a run, or a study."""

    sort: Literal["run", "study"]

    def take(self, event: Event) -> None:
        """Keeps what an event says."""

    def values(self, event: Event) -> Mapping[str, Any]:
        """The metrics that an event reports after an epoch."""

    @property
    def result(self) -> str:
        """How it ended well, in a sentence."""

    @property
    def where(self) -> str:
        """How far it has come, such as "at step 1,234"."""

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""


class RunSubject:
    """A run."""

    sort: Literal["run", "study"] = "run"

    def __init__(self) -> None:
        self._view = RunView()
        self._best: EpochEnd | None = None

    def take(self, event: Event) -> None:
        self._view.take(event)
        if isinstance(event, EpochEnd) and event.best:
            self._best = event

    def values(self, event: Event) -> Mapping[str, Any]:
        return (event.validation or event.train) if isinstance(event, EpochEnd) else {}

    @property
    def result(self) -> str:
        parts = []
        if self._best is not None:
            parts.append(f"best epoch {count(self._best.epoch)}: {_headline(self.values(self._best), self._monitor)}")
        if self._view.tested is not None:
            parts.append(f"test: {_headline(self._view.tested.metrics, self._monitor)}")
        return "; ".join([*parts, f"trained {duration(self._view.seconds)}"])

    @property
    def _monitor(self) -> str:
        return self._view.prepared.monitor if self._view.prepared else ""

    @property
    def where(self) -> str:
        return f"at step {count(self._view.step)}" if self._view.step else "before the first step"

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"step": self._view.step, "seconds": self._view.seconds}
        if self._best is not None:
            facts |= {"best_epoch": self._best.epoch, "metrics": _plain(self.values(self._best))}
        if self._view.tested is not None:
            facts["test"] = _plain(self._view.tested.metrics)
        return facts


class StudySubject:
    """A study."""

    sort: Literal["run", "study"] = "study"

    def __init__(self) -> None:
        self._view = StudyView()

    def take(self, event: Event) -> None:
        self._view.take(event)

    def values(self, event: Event) -> Mapping[str, Any]:
        known = self._view.metric
        return {known.name: event.value} if isinstance(event, TrialValue) and known is not None else {}

    @property
    def result(self) -> str:
        best, known = next(iter(self._view.ranked()), None), self._view.metric
        value = None if best is None or known is None else best.best(known)
        if best is None or known is None or value is None:
            return self.where
        return f"best {known.label} {known.write(value)} (trial {best.number}), {self.where}"

    @property
    def where(self) -> str:
        return f"after {count(self._ended)} of {counted(len(self._view.trials), 'trial')}"

    @property
    def _ended(self) -> int:
        return sum(trial.has_ended for trial in self._view.trials.values())

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"trials": self._ended, "seconds": self._view.seconds}
        best, known = next(iter(self._view.ranked()), None), self._view.metric
        if best is not None and known is not None:
            facts |= {"best_trial": best.number, "metrics": _plain({known.name: best.best(known)})}
        return facts


class Judge:
    """Takes events, and gives the alerts that there are."""

    def __init__(self, settings: AlertSettings, directory: OwnedDirectory, since: float) -> None:
        """since: seconds since 1970; what happened before is no news."""
        self._settings = settings
        self._directory = directory
        self._since = since
        self._target = settings.wanted
        self._subject: Subject = StudySubject() if isinstance(directory, StudyDirectory) else RunSubject()
        self._pace = Pace(settings.stall_factor, settings.stall_seconds)
        self._alerts: list[Alert] = []
        self._began: float | None = None
        """When the present life began; None while there is none."""
        self._was_alive = False
        """Whether it was seen alive: a run that was lost long ago is no news."""
        self._has_met = False
        """Whether the target was met, in any life."""

    def take(self, events: Iterable[Event]) -> bool:
        """Judges events as they come; returns whether any of them is progress."""
        has_progress = False
        for event in events:
            self._was_alive |= event.time >= self._since
            self._subject.take(event)
            has_progress |= self._pace.take(event)
            match event:
                case Finished(status=status, reason=reason) | StudyFinished(status=status, reason=reason):
                    self._finished(event, status, reason)
                case State() | Started() | StudyStarted():
                    self._began = event.time if self._began is None else self._began
                case _:
                    self._check_target(event)
        return has_progress

    def check(self, seconds: float) -> None:
        """Judges that there was no progress for that long while the trainer is alive."""
        self._was_alive = True
        usual = self._pace.usual_seconds
        if self._pace.is_stalled(seconds):
            before = "" if usual is None else f"; its longest usual wait is {duration(usual)}"
            text = f"no progress for {duration(seconds)} {self._subject.where}{before}"
            self._add("stalled", text, time.time())

    def ended(self) -> None:
        """Judges that the trainer is gone, and that all that it wrote was taken."""
        began, self._began = self._began, None
        was_alive, self._was_alive = self._was_alive, False
        if began is None or not was_alive:
            return
        gone = not self._directory.path.exists()
        why = "its directory was deleted or moved" if gone else "killed, or out of memory, or the machine restarted"
        self._add("lost", f"its process died without an error message {self._subject.where}: {why}", time.time())

    def news(self) -> list[Alert]:
        """The alerts since the last call."""
        alerts, self._alerts = self._alerts, []
        return alerts

    def _finished(self, event: Event, status: str, reason: str) -> None:
        began, self._began = self._began, None
        name: EventName = "failed"
        if isinstance(event, Finished) and event.kind == DivergedError.kind:
            name = "diverged"  # whatever its status: a loop of the user's own may train on to its end
        elif status in ("completed", "stopped"):
            name = "completed" if status == "completed" else "stopped"
        if began is not None and event.time - began < self._settings.least_seconds:
            return
        text = self._subject.result if name == "completed" else f"{self._subject.where}: {reason or name}"
        self._add(name, text.splitlines()[0], event.time)

    def _check_target(self, event: Event) -> None:
        target = self._target
        if target is None or self._has_met:
            return
        value = self._subject.values(event).get(target.metric)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return
        if value >= target.value if target.sign == ">=" else value <= target.value:
            self._has_met = True
            known = metric(target.metric)
            wanted = f"{target.metric}{target.sign}{target.typed}"
            self._add("target", f"{known.label} {known.write(value)} {self._subject.where} ({wanted})", event.time)

    def _add(self, event: EventName, text: str, when: float) -> None:
        if when < self._since or event not in self._settings.events:
            return
        directory, subject = self._directory, self._subject
        about = (event, subject.sort, directory.name, str(directory.path), text[:MOST_CHARACTERS], when)
        self._alerts.append(Alert(*about, _plain(subject.facts)))


def _headline(values: Mapping[str, Any], monitor: str) -> str:
    main = headline_metrics(monitor)
    shown = [each for each in in_reading_order() if each in main]
    return ", ".join(f"{label} {value}" for label, value in written(values, shown))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON has: finite numbers, texts and tables of them; lists by class are left out."""
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            plain[name] = _plain(value)
        elif isinstance(value, (int, str)) or (isinstance(value, float) and math.isfinite(value)):
            plain[name] = value
    return plain
