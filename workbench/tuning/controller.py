"""The controller of a study: starts trials, reads what becomes of them, and writes it into the study's events.

It decides nothing by itself: its way to tune does, from the events alone. So a controller that was killed continues
where the events end: trials that were being trained continue from their checkpoints.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence

from workbench.atomic_files import write_text_atomically
from workbench.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, WorkbenchError
from workbench.runs.control import Command, ControlReader
from workbench.tuning.check import CornerCheck
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.disk import DiskWatch, need
from workbench.tuning.events import (
    Noted,
    StudyFinished,
    StudyStarted,
    StudyState,
    TrialAsked,
    TrialDiscarded,
    TrialFinished,
    TrialRetried,
    TrialStopped,
)
from workbench.tuning.gathering import Gathering
from workbench.tuning.places import Place
from workbench.tuning.pool import Pool
from workbench.tuning.question import Together as Wanted
from workbench.tuning.record import StudyRecord
from workbench.tuning.steps import BY_HAND, Continue, Discard, Done, NewTrial, Way
from workbench.tuning.supply import FixedSupply, Supply
from workbench.tuning.together import ONE_BY_ONE, Together
from workbench.tuning.trial_run import TrialRun
from workbench.tuning.view import TrialView
from workbench.tuning.weights import Weights

POLL_SECONDS = 0.005
FIXED = FixedSupply("where its trials run is fixed")


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
        together: Wanted = "auto",
        supply: Supply = FIXED,
    ) -> None:
        """The caller holds the study's lock.

        launched_at: earlier requests are not for this controller. is_interrupted: whether a signal asks it to stop.
        check: a dry run of what will be asked for, which has begun; only the first trial does not wait for it.
        together: whether trials that differ only in numbers are trained together. supply: of more places.
        """
        self._check = check
        self._is_checked = check is None
        self._study = study
        self._is_interrupted = is_interrupted
        self._way = way
        self._pool = Pool(places, supply)
        self._control = ControlReader(study.control, launched_at)
        self._record = StudyRecord(study, way)
        self.view, self._write = self._record.view, self._record.write
        self._stopping = self._record.stopping
        self._gathering = Gathering(self._record, together, self._pool)
        self._active: list[TrialRun | Together] = []
        self._was_asked = False
        self._paused = False
        self._weights, self._disk = Weights(self._record), DiskWatch(study.path)

    def run(self) -> StudyFinished:
        """Returns how it ended.

        Raises StorageError where the study can no longer be written, PresetError where its space cannot be trained.
        """
        self._write(StudyStarted(process_id=os.getpid(), resumed=bool(self.view.trials)))
        self._adopt()
        for note in self._pool.resize(self.view.places):
            self._write(Noted(message=note))
        for number in self._way.begins_again(self.view):
            self._write(TrialRetried(trial=number, reason="the study was resumed", afresh=True))
        try:
            done = self._loop()
        finally:
            self._pool.close()
            if self._check is not None:
                self._check.close()
        return self._finish(done)

    def _loop(self) -> Done:
        while True:
            self._handle_requests()
            if not self._stopping.reason and (reason := self._disk.look()):
                self._stop_all(reason, keeps_trials=True)
            self._look_at_the_check()
            runs = [active for active in self._active if isinstance(active, TrialRun)]
            for active in list(self._active):
                self._read(active)
            self._renew_thresholds(runs)
            self._pool.close_left(self._taken)
            self._weights.delete()
            if not self._stopping.reason and (
                reason := self._way.is_over(self.view, self.view.seconds_at(time.time()))
            ):
                self._stop_all(reason)
            done = None if self._paused or self._stopping.reason else self._start_more()
            if not self._active and (self._stopping.reason or done is not None):
                return done or Done(self._stopping.reason)
            time.sleep(POLL_SECONDS)

    def _start_more(self) -> Done | None:
        """Starts what can be started now; what says that the study is over, if it is."""
        while (place := self._pool.free(self._taken)) is not None:
            if (done := self._way.gives_up(self.view)) is not None:
                return done
            waiting = self._waiting()
            if waiting and not (self._is_checked and place.trains_together and self._gathering.wants_more(waiting)):
                self._start_waiting(waiting, place)
                continue
            if self.view.trials and not self._is_checked:
                return None
            step = self._way.next(self.view)
            if waiting and not isinstance(step, NewTrial):
                self._start_waiting(waiting, place)
                continue
            match step:
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

    def _waiting(self) -> list[TrialView]:
        """Trials that can be started."""
        waiting = [trial for trial in self.view.trials.values() if trial.status == "waiting"]
        return [trial for trial in waiting if not any(active.has(trial) for active in self._active)]

    def _start_waiting(self, waiting: list[TrialView], place: Place) -> None:
        """Starts the first trial that waits, and with it those that are trained together with it."""
        first, *others = self._gathering.group(waiting) if place.trains_together else waiting[:1]
        if not others:
            self._start(first, first.until_epoch, place)
            return
        try:
            if_faster = self._gathering.if_faster
            self._active.append(Together.start(self._record, [first, *others], place, if_faster=if_faster))
        except WorkbenchError as error:
            if error.kind == "storage":
                raise
            self._gathering.refuse(first)
            self._record.note(f"{ONE_BY_ONE}: {error}")

    @property
    def _taken(self) -> list[Place | None]:
        """Where something is being trained; None for what an earlier controller has started."""
        return [active.place for active in self._active]

    def _start(self, trial: TrialView, until_epoch: int | None, place: Place) -> None:
        try:
            if not trial.run and self._check is not None and self._is_checked:
                reason = self._check.why_not(self._record.preset_of(trial))
                if reason:
                    self._discard(trial.number, reason)
                    return
            started = TrialRun.start(self._record, trial, until_epoch, place)
        except WorkbenchError as error:
            if error.kind == "storage":
                raise
            self._write(TrialFinished(trial=trial.number, status="failed", reason=str(error), kind=error.kind))
            return
        if started is not None:
            self._active.append(started)

    def _adopt(self) -> None:
        """Trials that were being trained when the last controller was killed."""
        for run in trials_of(self._study):
            if run.name not in self.view.runs:  # made, and then the controller was killed before it could say so
                shutil.rmtree(run.path, ignore_errors=True)
        for trial in self.view.running:
            if not trial.run:  # it was trained together with others, by a process that ended with its controller
                self._write(TrialStopped(trial=trial.number))
                continue
            adopted = TrialRun.adopt(self._record, trial)
            if adopted is not None:
                self._active.append(adopted)

    def _read(self, active: TrialRun | Together) -> None:
        if not active.read():
            return
        self._active.remove(active)
        if isinstance(active, Together) and active.are_one_by_one:
            self._gathering.refuse(active.first)
        if active.disk_problem and active.place is not None:
            self._stop_all(active.disk_problem, keeps_trials=True)

    def _renew_thresholds(self, runs: Sequence[TrialRun]) -> None:
        """Where trials run beside each other, what one has reached changes what the others must beat.

        runs: those that were just read, some of which may have ended.
        """
        if len(runs) > 1 and any(run.has_reached_a_rung for run in runs):
            for run in runs:
                run.has_reached_a_rung = False
                if run in self._active:
                    run.renew_thresholds()

    def _discard(self, number: int, reason: str, epoch: int | None = None) -> None:
        self._write(TrialDiscarded(trial=number, reason=reason, epoch=epoch))

    def _look_at_the_check(self) -> None:
        if self._check is None or self._is_checked:
            return
        note = self._check.poll()
        self._is_checked = note is not None
        if note:
            self._write(Noted(message=note))
        if self._is_checked and (text := need(self._study.path, self._check.weights_bytes, self._way.most_weights)):
            self._write(Noted(message=text))

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
                case "add_place":
                    self._change_places(self._pool.add)
                case "remove_place":
                    self._change_places(lambda: self._pool.take_back(self._taken))
                case _:
                    self._write(Noted(message=f"unknown request {request.command!r}"))

    def _change_places(self, change: Callable[[], str]) -> None:
        before, said = len(self._pool), change()
        self._write(Noted(message=said, places=len(self._pool) if len(self._pool) != before else None))

    def _discard_asked(self, trial: TrialView) -> None:
        if trial.has_ended:
            return
        for active in [active for active in self._active if active.has(trial)]:
            if active.drop(trial):
                self._active.remove(active)
        self._discard(trial.number, BY_HAND)

    def _stop_as_asked(self) -> None:
        self._was_asked = True
        self._stop_all("asked to stop", keeps_trials=True)

    def _stop_all(self, reason: str, *, keeps_trials: bool = False) -> None:
        self._stopping.reason = self._stopping.reason or reason
        self._stopping.keeps_trials = self._stopping.keeps_trials or keeps_trials
        self._ask_all("stop")

    def _ask_all(self, command: Command) -> None:
        for active in self._active:
            active.ask(command)

    def _finish(self, done: Done) -> StudyFinished:
        if self._stopping.reason and not self._stopping.keeps_trials:
            for trial in self.view.trials.values():
                if trial.status in ("waiting", "paused"):
                    self._discard(trial.number, self._stopping.reason)
            if not any(trial.values for trial in self.view.trials.values()):
                done = Done(f"{self._stopping.reason}, and no trial has given a value", failed=True)
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
        self._record.close()
        return finished
