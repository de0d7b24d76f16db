"""The controller of a study: starts trials, reads what becomes of them, and writes it into the study's events.

It decides nothing by itself: its way to tune does, from the events alone. So a controller that was killed continues
where the events end: trials that were being trained continue from their checkpoints.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from workbench.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    WorkbenchError,
)
from workbench.files import write_text_atomically
from workbench.metrics import metric
from workbench.runs.control import Command, ControlReader, ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import EpochEnd, Event, Prepared
from workbench.runs.follow import Follower
from workbench.runs.follow import Trainer as LiveTrainer
from workbench.runs.lock import is_running
from workbench.runs.status import read_summary
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.tuning.check import CornerCheck
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.disk import delete_weights, need, shortage
from workbench.tuning.ending import Stopping, completed, disk_problem, ending_of
from workbench.tuning.events import (
    MetricKnown,
    Noted,
    StudyFinished,
    StudyStarted,
    StudyState,
    TrialAsked,
    TrialDiscarded,
    TrialFinished,
    TrialStarted,
    TrialStopped,
    TrialValue,
)
from workbench.tuning.places import Orphan, Place
from workbench.tuning.steps import Continue, Discard, Done, NewTrial, Way
from workbench.tuning.view import TrialView, read_study_view

POLL_SECONDS = 0.02
DISK_SECONDS = 1.0
"""Time between two looks at how much of the disk is free."""


@dataclass
class _Active:
    """A trial that is being trained."""

    trial: TrialView
    run: RunDirectory
    follower: Follower
    trainer: LiveTrainer
    place: Place | None
    monitor: str = ""
    discard: Discard | None = None
    """Why its trainer was asked to stop."""

    @property
    def is_adopted(self) -> bool:
        """Whether an earlier controller started it, which is gone."""
        return self.place is None


class Controller:
    """Runs a study to its end, or until it is asked to stop."""

    def __init__(
        self,
        study: StudyDirectory,
        way: Way,
        places: list[Place],
        launched_at: float,
        is_interrupted: Callable[[], bool] = lambda: False,
        check: CornerCheck | None = None,
    ) -> None:
        """The caller holds the study's lock.

        launched_at: earlier requests are not for this controller. is_interrupted: whether a signal asks it to stop.
        check: a dry run of what will be asked for, which has begun; only the first trial does not wait for it.
        """
        self._check = check
        self._is_checked = check is None
        self._study = study
        self._is_interrupted = is_interrupted
        self._way = way
        self._places = places
        self._preset = Preset.of_run(study.preset)
        self._control = ControlReader(study.control, launched_at)
        self.view = read_study_view(study)
        self._events = EventWriter(study.events)
        self._active: list[_Active] = []
        self._stopping = Stopping()
        self._was_asked = False
        self._paused = False
        self._without_weights: set[int] = set()
        self._disk_seen = -math.inf
        self._began = time.monotonic()
        self._seconds_before = self.view.seconds

    def run(self) -> StudyFinished:
        """Returns how it ended.

        Raises StorageError where the study can no longer be written, PresetError where its space cannot be trained.
        """
        self._write(StudyStarted(process_id=os.getpid(), resumed=bool(self.view.trials)))
        self._adopt()
        try:
            done = self._loop()
        finally:
            for place in self._places:
                place.close()
            if self._check is not None:
                self._check.close()
        return self._finish(done)

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    def _write(self, event: Event) -> None:
        self.view.take(self._events.write(event))  # with its time, by which a budget is kept

    def _loop(self) -> Done:
        while True:
            self._handle_requests()
            self._look_at_the_disk()
            self._look_at_the_check()
            for active in list(self._active):
                self._read(active)
            self._delete_weights()
            if not self._stopping.reason and (reason := self._way.is_over(self.view, self._seconds)):
                self._stop_all(reason)
            done = None if self._paused or self._stopping.reason else self._start_more()
            if not self._active and (self._stopping.reason or done is not None):
                return done or Done(self._stopping.reason)
            time.sleep(POLL_SECONDS)

    def _start_more(self) -> Done | None:
        """Starts what can be started now; what says that the study is over, if it is."""
        while (place := self._free_place()) is not None:
            waiting = next((trial for trial in self.view.trials.values() if trial.status == "waiting"), None)
            if waiting is not None:
                self._start(waiting, waiting.until_epoch, place)
                continue
            if self.view.trials and not self._is_checked:
                return None
            match self._way.next(self.view):
                case NewTrial() as new:
                    number = len(self.view.trials)
                    self._write(
                        TrialAsked(
                            trial=number,
                            settings=dict(new.settings),
                            origin=new.origin,
                            repeats=new.repeats,
                            until_epoch=new.until_epoch,
                        )
                    )
                case Continue() as more:
                    self._start(self.view.trials[more.trial], more.until_epoch, place)
                case Discard() as discard:
                    self._discard(discard.trial, discard.reason, discard.epoch)
                case Done() as done:
                    return done
                case _:
                    return None
        return None

    def _free_place(self) -> Place | None:
        taken = [active.place for active in self._active]
        return next((place for place in self._places if place not in taken), None)

    def _start(self, trial: TrialView, until_epoch: int | None, place: Place) -> None:
        try:
            run, resumed = self._study.run(trial.run), bool(trial.run)
            if not resumed:
                preset = self._preset_of(trial)
                if self._check is not None and self._is_checked and (reason := self._check.why_not(preset)):
                    self._discard(trial.number, reason)
                    return
                run = create_run(self._study.trials, preset.name, preset.to_toml(), study=self._study.name)
            elif (summary := read_summary(run)) is not None and summary.status == "completed":
                self._write(completed(trial, summary))  # it ended while nobody looked
                return
            follower = Follower(run, from_now=resumed)
            # Before it starts: whoever continues this study must know of it.
            self._write(TrialStarted(trial=trial.number, run=run.name, until_epoch=until_epoch, resumed=resumed))
            trainer = place.start(run)
            follower.watch(trainer)
            if until_epoch is not None:
                ask(run, "stop_after_epoch", until_epoch)
        except WorkbenchError as error:
            if error.kind == "storage":
                raise
            self._write(TrialFinished(trial=trial.number, status="failed", reason=str(error), kind=error.kind))
            return
        self._active.append(_Active(trial, run, follower, trainer, place))

    def _preset_of(self, trial: TrialView) -> Preset:
        """Raises PresetError where its settings do not fit together."""
        return self._preset.without_search().with_values(trial.trained_settings, f"trial {trial.number}")

    def _adopt(self) -> None:
        """Trials that were being trained when the last controller was killed."""
        for run in trials_of(self._study):
            if run.name not in self.view.runs:  # made, and then the controller was killed before it could say so
                shutil.rmtree(run.path, ignore_errors=True)
        for trial in self.view.running:
            run = self._study.run(trial.run)
            if is_running(run):
                self._active.append(_Active(trial, run, Follower(run, Orphan(run)), Orphan(run), None))
                self._ask(self._active[-1], "resume")  # the study may have been paused when its controller was killed
            else:
                self._catch_up(trial, run)

    def _catch_up(self, trial: TrialView, run: RunDirectory) -> None:
        active = _Active(trial, run, Follower(run, Orphan(run)), Orphan(run), None)
        self._active.append(active)
        while not self._read(active):
            pass

    def _read(self, active: _Active) -> bool:
        """Reads what a trial has written; True once it has ended."""
        written = active.follower.read()
        for _, event in written:
            self._take(active, event)
        if written or active.follower.is_alive:
            return False
        self._active.remove(active)
        trial = active.trial
        if problem := disk_problem(active.run, active.trainer.poll()):
            self._write(TrialStopped(trial=trial.number))  # it has done nothing wrong, and continues with the study
            if not active.is_adopted:
                self._stop_all(problem, keeps_trials=True)
            return True
        discard = active.discard or self._way.discards(self.view, trial)
        preset = self._preset_of(trial)
        self._write(ending_of(trial, active.run, preset, discard, self._stopping, is_adopted=active.is_adopted))
        return True

    def _take(self, active: _Active, event: Event) -> None:
        match event:
            case Prepared():
                active.monitor = event.monitor
                if self.view.metric is None:
                    self._write(MetricKnown(metric=event.monitor))
            case EpochEnd() if event.epoch not in active.trial.values:
                values = event.validation or event.train
                known = metric(active.monitor) if active.monitor else self.view.metric or metric("loss")
                value = values.get(known.name)
                finite = value if isinstance(value, (int, float)) and math.isfinite(value) else None
                self._write(TrialValue(trial=active.trial.number, epoch=event.epoch, value=finite))
                if active.discard is None and (discard := self._way.discards(self.view, active.trial)):
                    active.discard = discard
                    self._ask(active, "stop")

    def _discard(self, number: int, reason: str, epoch: int | None = None) -> None:
        self._write(TrialDiscarded(trial=number, reason=reason, epoch=epoch))

    def _look_at_the_disk(self) -> None:
        """Stops before the disk is full."""
        if self._stopping.reason or time.monotonic() - self._disk_seen < DISK_SECONDS:
            return
        self._disk_seen = time.monotonic()
        if reason := shortage(self._study.path):
            self._stop_all(reason, keeps_trials=True)

    def _look_at_the_check(self) -> None:
        if self._check is None or self._is_checked:
            return
        note = self._check.poll()
        self._is_checked = note is not None
        if note:
            self._write(Noted(message=note))
        if self._is_checked and (text := need(self._study.path, self._check.weights_bytes, self._way.most_weights)):
            self._write(Noted(message=text))

    def _delete_weights(self) -> None:
        """Of trials that have ended and are not among the best: weights fill a disk."""
        for trial in self.view.trials.values():
            if not trial.has_ended or not trial.run or trial.number in self._without_weights:
                continue
            if not self._way.keeps_weights(self.view, trial):
                delete_weights(self._study.run(trial.run))
                self._without_weights.add(trial.number)

    def _handle_requests(self) -> None:
        if self._is_interrupted() and not self._was_asked:
            self._stop_as_asked()
        for request in self._control.read():
            match request.command:
                case "stop":
                    self._stop_as_asked()
                case "pause" | "resume":
                    self._paused = request.command == "pause"
                    self._ask_all("pause" if self._paused else "resume")
                    self._write(StudyState(state="paused" if self._paused else "running"))
                case "discard" if request.value is not None and int(request.value) in self.view.trials:
                    self._discard_asked(self.view.trials[int(request.value)])
                case _:
                    self._write(Noted(message=f"unknown request {request.command!r}"))

    def _discard_asked(self, trial: TrialView) -> None:
        if trial.has_ended:
            return
        for active in [active for active in self._active if active.trial is trial]:
            self._active.remove(active)
            ask(active.run, "stop")
            while active.trainer.poll() is None:
                time.sleep(POLL_SECONDS)
        self._discard(trial.number, "discarded by hand")

    def _stop_as_asked(self) -> None:
        self._was_asked = True
        self._stop_all("asked to stop", keeps_trials=True)

    def _stop_all(self, reason: str, *, keeps_trials: bool = False) -> None:
        self._stopping.reason = self._stopping.reason or reason
        self._stopping.keeps_trials = self._stopping.keeps_trials or keeps_trials
        self._ask_all("stop")

    def _ask_all(self, command: Command) -> None:
        for active in self._active:
            self._ask(active, command)

    @staticmethod
    def _ask(active: _Active, command: Command) -> None:
        with suppress(WorkbenchError):
            ask(active.run, command)

    def _finish(self, done: Done) -> StudyFinished:
        result = {"type": "result"} | self._way.result(self.view)
        write_text_atomically(self._study.summary, json.dumps(result, indent=2) + "\n", parents=False)
        if self._was_asked:
            state, code = "stopped", EXIT_INTERRUPTED
        elif self._stopping.keeps_trials:
            state, code = "stopped", EXIT_FAILED
        else:
            state, code = ("failed", done.exit_code) if done.failed else ("completed", EXIT_DONE)
        finished = StudyFinished(status=state, reason=done.reason, exit_code=code)
        self._write(finished)
        self._events.close()
        return finished
