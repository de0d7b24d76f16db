"""The controller of a study: starts trials, reads what becomes of them, and writes it into the study's events.

It decides nothing by itself: its way to tune does, from the events alone. So a controller that was killed continues
where the events end: trials that were being trained go on from their checkpoints.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass

from workbench.errors import WorkbenchError
from workbench.files import write_text_atomically
from workbench.metrics import metric
from workbench.runs.control import ControlReader, ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import EpochEnd, Event, Prepared
from workbench.runs.follow import Follower
from workbench.runs.follow import Trainer as LiveTrainer
from workbench.runs.lock import is_running
from workbench.runs.status import Summary, read_summary, status
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.events import (
    MetricKnown,
    Noted,
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
    TrialValue,
)
from workbench.tuning.places import Orphan, Place
from workbench.tuning.steps import Continue, Discard, Done, NewTrial, Way
from workbench.tuning.view import TrialView, read_study_view

POLL_SECONDS = 0.02
MOST_RETRIES = 2
"""Of a trial whose trainer died."""


@dataclass
class _Active:
    """A trial that is being trained."""

    trial: TrialView
    run: RunDirectory
    follower: Follower
    trainer: LiveTrainer
    place: Place | None
    monitor: str = ""


class Controller:
    """Runs a study to its end, or until it is asked to stop."""

    def __init__(self, study: StudyDirectory, way: Way, places: list[Place], launched_at: float) -> None:
        """The caller holds the study's lock. launched_at: earlier requests are not for this controller."""
        self._study = study
        self._way = way
        self._places = places
        self._preset = Preset.of_run(study.preset)
        self._control = ControlReader(study.control, launched_at)
        self.view = read_study_view(study)
        self._events = EventWriter(study.events)
        self._active: list[_Active] = []
        self._stopping = ""
        """Why trials are being stopped: asked, or a budget is used up."""
        self._was_asked = False
        self._paused = False
        self._began = time.monotonic()
        self._seconds_before = self.view.seconds

    def run(self) -> StudyFinished:
        """Returns how it ended. Raises StorageError where the study can no longer be written."""
        self._write(StudyStarted(process_id=os.getpid(), resumed=bool(self.view.trials)))
        self._adopt()
        try:
            done = self._loop()
        finally:
            for place in self._places:
                place.close()
        return self._finish(done)

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    def _write(self, event: Event) -> None:
        self._events.write(event)
        self.view.take(event)

    def _loop(self) -> Done:
        while True:
            self._handle_requests()
            for active in list(self._active):
                self._read(active)
            if not self._stopping and (reason := self._way.is_over(self.view, self._seconds)):
                self._stop_all(reason)
            done = None if self._paused or self._stopping else self._start_more()
            if not self._active and (self._stopping or done is not None):
                return done or Done(self._stopping)
            time.sleep(POLL_SECONDS)

    def _start_more(self) -> Done | None:
        """Starts what can be started now; what says that the study is over, if it is."""
        while (place := self._free_place()) is not None:
            waiting = next((trial for trial in self.view.trials.values() if trial.status == "waiting"), None)
            if waiting is not None:
                self._start(waiting, waiting.until_epoch, place)
                continue
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
                    self._discard(discard.trial, discard.reason)
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
                preset = self._preset.without_search().with_values(trial.settings, f"trial {trial.number}")
                run = create_run(self._study.trials, preset.name, preset.to_toml(), study=self._study.name)
            elif (summary := read_summary(run)) is not None and summary.status == "completed":
                self._conclude(trial, run, summary)  # it ended while nobody looked
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

    def _adopt(self) -> None:
        """Trials that were being trained when the last controller was killed."""
        known = {trial.run for trial in self.view.trials.values()}
        for run in trials_of(self._study):
            if run.name not in known:  # made, and then the controller was killed before it could say so
                shutil.rmtree(run.path, ignore_errors=True)
        for trial in self.view.running:
            run = self._study.run(trial.run)
            if is_running(run):
                self._active.append(_Active(trial, run, Follower(run, Orphan(run)), Orphan(run), None))
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
        summary = read_summary(active.run)
        match status(active.run):
            case "completed" if summary:
                self._conclude(active.trial, active.run, summary)
            case "stopped" if summary:
                self._stopped(active.trial, summary)
            case "failed" if summary:
                self._write(
                    TrialFinished(
                        trial=active.trial.number,
                        status="failed",
                        seconds=self._seconds_of(summary),
                        reason=summary.reason,
                        kind=summary.kind,
                    )
                )
            case _:
                self._lost(active.trial)
        return True

    def _take(self, active: _Active, event: Event) -> None:
        match event:
            case Prepared():
                active.monitor = event.monitor
                if self.view.metric is None:
                    self._write(MetricKnown(metric=event.monitor))
            case EpochEnd() if event.epoch not in active.trial.values:
                values = event.validation or event.train
                known = self.view.metric or metric(active.monitor or "loss")
                value = values.get(known.name)
                finite = value if isinstance(value, (int, float)) and math.isfinite(value) else None
                self._write(TrialValue(trial=active.trial.number, epoch=event.epoch, value=finite))

    def _conclude(self, trial: TrialView, run: RunDirectory, summary: Summary) -> None:
        values = summary.validation or summary.train or {}
        value = values.get(summary.monitor)
        self._write(
            TrialFinished(
                trial=trial.number,
                status="completed",
                value=value if isinstance(value, (int, float)) and math.isfinite(value) else None,
                seconds=self._seconds_of(summary),
            )
        )

    def _stopped(self, trial: TrialView, summary: Summary) -> None:
        """It has reached the epoch of a decision, or was stopped with the study."""
        if trial.until_epoch is not None and summary.epoch >= trial.until_epoch:
            self._write(TrialPaused(trial=trial.number, epoch=summary.epoch, seconds=self._seconds_of(summary)))
        elif self._was_asked:
            self._write(TrialStopped(trial=trial.number))
        else:
            self._discard(trial.number, self._stopping or "its run was stopped")

    def _lost(self, trial: TrialView) -> None:
        """Its trainer was killed: it continues from its checkpoint, if that does not happen again and again."""
        if self._stopping:
            self._write(TrialStopped(trial=trial.number))
        elif trial.retries < MOST_RETRIES:
            self._write(TrialRetried(trial=trial.number, reason="its process was killed"))
        else:
            reason = f"its process was killed {trial.retries + 1} times"
            self._write(TrialFinished(trial=trial.number, status="failed", reason=reason, kind="trainer_lost"))

    def _discard(self, number: int, reason: str) -> None:
        self._write(TrialDiscarded(trial=number, reason=reason))

    @staticmethod
    def _seconds_of(summary: Summary) -> float:
        return round(summary.seconds.get("total", 0.0), 3)

    def _handle_requests(self) -> None:
        for request in self._control.read():
            match request.command:
                case "stop":
                    self._was_asked = True
                    self._stop_all("asked to stop")
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

    def _stop_all(self, reason: str) -> None:
        self._stopping = self._stopping or reason
        self._ask_all("stop")

    def _ask_all(self, command: str) -> None:
        for active in self._active:
            with suppress(WorkbenchError):
                ask(active.run, command)  # type: ignore[arg-type]

    def _finish(self, done: Done) -> StudyFinished:
        result = {"type": "result"} | self._way.result(self.view)
        write_text_atomically(self._study.summary, json.dumps(result, indent=2) + "\n", parents=False)
        state, code = ("stopped", 130) if self._was_asked else ("failed", 3) if done.failed else ("completed", 0)
        finished = StudyFinished(status=state, reason=done.reason, exit_code=code)
        self._write(finished)
        self._events.close()
        return finished
