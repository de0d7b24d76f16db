"""A watched study: its files as read so far, and whether its controller is alive. The app only reads, and requests."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from workbench.errors import PresetError
from workbench.files import read_small
from workbench.runs.control import append_request
from workbench.runs.events import Event
from workbench.runs.lock import is_running
from workbench.settings.preset import Preset
from workbench.tuning.dimensions import Dimension, Numbers
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import Noted, StudyFinished, StudyStarted, TrialDiscarded, TrialFinished, TrialValue
from workbench.tuning.question import read_question
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView, study_tail

if TYPE_CHECKING:
    from workbench.ui.live.terminal_alerts import TerminalAlerts

ANSWERS: dict[str, tuple[type[Event], ...]] = {
    "add_place": (Noted,),
    "remove_place": (Noted,),
    "discard": (TrialDiscarded, TrialFinished),
}
"""The events by which requests are answered that do not change the study's state."""
LETTERS = "ABC"
"""Of the best trials, in the table and at the end of their curves."""


@dataclass(frozen=True)
class Searched:
    """A setting in which trials differ."""

    path: str
    ends: tuple[float, float] | None = None
    """The lowest and the highest number; None for choices, and where nobody has named them."""
    log: bool = False
    choices: tuple[Any, ...] = ()
    """In their order; empty for numbers."""


class StudyWatch:
    """Reads a study's directory, no matter who started its controller, and when."""

    def __init__(
        self,
        study: StudyDirectory,
        controller: subprocess.Popen[bytes] | None = None,
        alerts: TerminalAlerts | None = None,
    ) -> None:
        """controller: its process, if this app started it. Raises UsageError, PresetError for a study unknown here.

        alerts: judges the events; None: nobody is notified.
        """
        self.alerts = alerts
        self.study = study
        self.question = read_question(study.question)
        self.preset = Preset.of_run(study.preset)
        self.own = self.preset.flat()
        """The preset's own settings, by path."""
        self.view = StudyView()
        self.best_so_far: list[tuple[float, float]] = []
        """(seconds since the study began, value) at each improvement."""
        self.reached: dict[int, tuple[float, float]] = {}
        """By trial, its latest value in the same way."""
        self.pending = ""
        """The last request that the controller has not carried out yet."""
        self._note = ""
        """The latest note that was not shown yet."""
        self.result: dict[str, Any] | None = None
        """What summary.json says; None before the end."""
        self._controller = controller
        self._tail = study_tail(study)
        self._asked_in = ""
        self._awaits_start = False
        """Whether a controller was started again and has not written anything yet."""
        self.is_alive = controller is not None or is_running(study)
        """Whether the controller was there at the last read."""
        self._dimensions = self._read_dimensions()

    def _read_dimensions(self) -> tuple[Dimension, ...]:
        if self.question.way != "search":
            return ()
        try:
            return SearchSpace.parse(self.question.search, self.preset).spans
        except PresetError:
            return ()  # its controller says so

    # Reading.

    def poll(self) -> bool:
        """Reads what is new; True if there was anything."""
        # Asked before the file is read: what a controller wrote before it ended is read in this poll.
        alive = self._controller.poll() is None if self._controller is not None else is_running(self.study)
        written = self._tail.read()
        for _, event in written:
            self.view.take(event)
            match event:
                case TrialValue():
                    self._note_value(event)
                case StudyStarted():
                    self._awaits_start, self.result = False, None
                case StudyFinished():
                    self.result = self._read_result()
                case Noted():
                    self._note = event.message
            if isinstance(event, ANSWERS.get(self.pending, ())):
                self.pending = ""
        if self.alerts is not None:
            self.alerts.read([event for _, event in written], is_alive=alive)
        changed = bool(written) or alive != self.is_alive
        self.is_alive = alive
        if self.pending and (not alive or (self.pending not in ANSWERS and self.state != self._asked_in)):
            self.pending = ""
        return changed

    def read_all(self) -> None:
        """Reads to the end of the file."""
        while self.poll():
            pass
        self._note = ""  # it was written before anyone looked

    def take_note(self) -> str:
        """What the controller has noted since the last call, or since the study was read; empty if nothing."""
        note, self._note = self._note, ""
        return note

    def _note_value(self, event: TrialValue) -> None:
        metric, trial = self.view.metric, self.view.trials.get(event.trial)
        if metric is None or trial is None or trial.repeats is not None or event.value is None:
            return
        seconds, value = self.view.seconds, event.value
        self.reached[event.trial] = seconds, value
        if not self.best_so_far or metric.rank(value) > metric.rank(self.best_so_far[-1][1]):
            self.best_so_far.append((seconds, value))

    # What is known.

    @property
    def state(self) -> str:
        """How the study stands, in a word."""
        if not self.is_alive:
            if self.view.finished is not None:
                return self.view.finished.status
            return "failed" if self._controller is not None and not self.view.trials else "lost"
        if self._awaits_start or self.view.started is None:
            return "starting"
        if self.view.finished is not None:
            return self.view.finished.status  # its process takes a moment to exit
        return "paused" if self.view.state == "paused" else "running"

    @property
    def reason(self) -> str:
        """Why it has ended early; empty otherwise."""
        if self.view.finished is not None:
            return self.view.finished.reason
        if self.state == "failed":
            return f"its process ended at once; {self.study.log} says why"
        return "its process was killed" if self.state == "lost" else ""

    @property
    def total(self) -> int | None:
        """How many trials are expected in all; None where a budget of time decides."""
        question = self.question
        if question.way != "search":
            return len(question.seeds or question.changes) or None
        own = sum(trial.repeats is None for trial in self.view.trials.values())
        if not question.trials:
            return None
        return max(question.trials, own) + min(question.confirm, question.trials) * len(question.seeds)

    @property
    def fraction_done(self) -> float:
        """How much of the budget is used up, from 0 to 1."""
        by_trials = sum(map(self._fraction_of, self.view.trials.values())) / self.total if self.total else 0.0
        by_time = self.view.seconds / self.question.seconds if self.question.seconds else 0.0
        return min(max(by_trials, by_time), 1.0)

    def _fraction_of(self, trial: TrialView) -> float:
        """How much of a trial is done. Of a contest, only those that have ended count: most end early."""
        if trial.has_ended or self.is_contest:
            return float(trial.has_ended)
        return min(trial.epoch / self.preset.training.epochs, 1.0)

    @property
    def is_contest(self) -> bool:
        """Whether the best trial is looked for; over seeds and folds, all of them count."""
        return self.question.way not in ("repeat", "folds")

    @property
    def best(self) -> list[TrialView]:
        """The best trials that were not discarded, one for each of `LETTERS` at most; none where all of them count."""
        if not self.is_contest:
            return []
        return [trial for trial in self._ranked() if trial.status != "discarded"][: len(LETTERS)]

    def _ranked(self) -> list[TrialView]:
        """The trials that have a value, the best first: at the end the one that the result names."""
        found = number_of((self.result or {}).get("best"))
        return sorted(self.view.ranked(), key=lambda trial: trial.number != found)

    @property
    def is_folds(self) -> bool:
        """Whether the study is a cross-validation."""
        return self.question.way == "folds"

    @property
    def trial_word(self) -> str:
        """What a trial is called: each of a cross-validation is the fold that it leaves out."""
        return "fold" if self.is_folds else "trial"

    def letter(self, trial: TrialView) -> str:
        """The letter of one of the best; empty for the others."""
        return dict(zip([each.number for each in self.best], LETTERS, strict=False)).get(trial.number, "")

    def status_of(self, trial: TrialView) -> str:
        """How a trial stands; one whose study was stopped or killed does not stay running."""
        return "interrupted" if trial.status == "running" and not self.is_alive else trial.status

    def ordered(self) -> list[TrialView]:
        """All trials: the best first, each before those that repeat it; those without a value last.

        Where all of them count, in their order.
        """
        if not self.is_contest:
            return list(self.view.trials.values())
        ranked = self._ranked()
        known = {trial.number for trial in ranked}
        rest = [trial for trial in self.view.trials.values() if trial.repeats is None and trial.number not in known]
        found = []
        for trial in [*ranked, *sorted(rest, key=lambda trial: trial.status == "failed")]:
            found += [trial, *self.view.repeats_of(trial.number)]
        return found

    def band(self) -> list[tuple[int, float, float, float]]:
        """(epoch, least, mean, greatest) of the trials' values, for the epochs that each completed trial has reached.

        Before the first has completed, that each begun trial has reached.
        """
        trials = [trial for trial in self.view.trials.values() if trial.status == "completed"]
        curves = [dict(found) for trial in trials or self.view.trials.values() if (found := finite(trial.values))]
        epochs = sorted(set.intersection(*map(set, curves))) if curves else []
        columns = [(epoch, [curve[epoch] for curve in curves]) for epoch in epochs]
        return [(epoch, min(values), fmean(values), max(values)) for epoch, values in columns]

    @property
    def searched(self) -> list[Searched]:
        """The settings in which trials differ: those that are searched, or those that were listed."""
        if self._dimensions:
            return [_searched(dimension) for dimension in self._dimensions]
        paths = dict.fromkeys(path for trial in self.view.trials.values() for path in trial.settings)
        return [_listed(path, [trial.settings.get(path) for trial in self.view.trials.values()]) for path in paths]

    def preset_of(self, trial: TrialView) -> Preset:
        """The preset that a trial trains. Raises PresetError where its settings do not fit together."""
        return self.preset.without_search().with_values(trial.trained_settings, f"trial {trial.number}")

    def _read_result(self) -> dict[str, Any] | None:
        try:
            result = json.loads(read_small(self.study.summary))
        except (OSError, ValueError, RecursionError):
            return None
        return result if isinstance(result, dict) else None

    # Requests.

    def ask(self, command: str, number: int | None = None) -> None:
        """Asks the controller for something: also see `ANSWERS`. Raises StorageError."""
        append_request(self.study.control, command, number)
        self.pending, self._asked_in = command, self.state

    def continued_by(self, controller: subprocess.Popen[bytes]) -> None:
        """A new controller continues the study."""
        self._controller, self.is_alive, self._awaits_start = controller, True, True


def _searched(dimension: Dimension) -> Searched:
    if isinstance(dimension, Numbers):
        return Searched(dimension.path, (dimension.low, dimension.high), dimension.log)
    return Searched(dimension.path, choices=tuple(dimension.values))


def _listed(path: str, values: list[Any]) -> Searched:
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return Searched(path, (min(known), max(known)) if known else None)
    return Searched(path, choices=tuple(dict.fromkeys(map(_hashable, known))))


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def finite(values: dict[int, float]) -> list[tuple[int, float]]:
    """The values that are numbers, by epoch."""
    return [(epoch, value) for epoch, value in sorted(values.items()) if math.isfinite(value)]


def number_of(found: Any) -> int | None:
    """The number of a trial, which a result gives alone or among what it says of the trial."""
    number = found.get("trial") if isinstance(found, dict) else found
    return number if isinstance(number, int) and not isinstance(number, bool) else None
