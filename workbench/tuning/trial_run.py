"""A trial that is trained as a run of its own: started or adopted, and read until it has ended."""

from __future__ import annotations

import math
import time
from contextlib import suppress

from workbench.atomic_files import without_sync
from workbench.errors import WorkbenchError
from workbench.metrics import metric
from workbench.runs.control import Command, ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import EpochEnd, Event, Prepared
from workbench.runs.follow import Follower
from workbench.runs.follow import Trainer as LiveTrainer
from workbench.runs.lock import is_running
from workbench.runs.status import read_summary
from workbench.tuning.ending import completed, disk_problem, ending_of
from workbench.tuning.events import MetricKnown, TrialStarted, TrialStopped, TrialThresholds, TrialValue, written
from workbench.tuning.places import Orphan, Place
from workbench.tuning.record import StudyRecord
from workbench.tuning.steps import Discard
from workbench.tuning.view import TrialView

POLL_SECONDS = 0.02


class TrialRun:
    """A trial in training."""

    def __init__(
        self,
        record: StudyRecord,
        trial: TrialView,
        run: RunDirectory,
        follower: Follower,
        trainer: LiveTrainer,
        place: Place | None,
    ) -> None:
        """place: None where an earlier controller started it, which is gone."""
        self.place = place
        self.disk_problem = ""
        """Why it could not be written any more."""
        self.has_reached_a_rung = False
        """Whether that was since the thresholds of others were renewed."""
        self._record = record
        self._trial = trial
        self._run = run
        self._follower = follower
        self._trainer = trainer
        self._monitor = ""
        self._discard: Discard | None = None
        """Why its trainer was asked to stop."""

    @classmethod
    def start(cls, record: StudyRecord, trial: TrialView, until_epoch: int | None, place: Place) -> TrialRun | None:
        """Starts a trial, or continues it from its checkpoint; None where it has ended while nobody looked.

        Raises WorkbenchError.
        """
        run, resumed = record.study.run(trial.run), bool(trial.run)
        if not resumed:
            preset = record.preset_of(trial)
            with without_sync():
                run = create_run(record.study.trials, preset.name, preset.to_toml(), study=record.study.name)
        elif (summary := read_summary(run)) is not None and summary.status == "completed":
            record.write(completed(trial, summary))
            return None
        follower = Follower(run, from_now=resumed)
        # Before it starts: whoever continues this study must know of it.
        thresholds = {} if until_epoch is None else record.way.thresholds(record.view, trial, until_epoch)
        record.write(
            TrialStarted(
                trial=trial.number,
                run=run.name,
                until_epoch=next(iter(thresholds), None),
                thresholds=written(thresholds),
                resumed=resumed,
            )
        )
        trainer = place.start(run)
        follower.watch(trainer)
        started = cls(record, trial, run, follower, trainer, place)
        started._tell_thresholds()
        return started

    @classmethod
    def adopt(cls, record: StudyRecord, trial: TrialView) -> TrialRun | None:
        """One that an earlier controller started; None where it has ended meanwhile."""
        run = record.study.run(trial.run)
        is_alive = is_running(run)
        adopted = cls(record, trial, run, Follower(run, Orphan(run)), Orphan(run), None)
        if is_alive:
            adopted.ask("resume")  # the study may have been paused when its controller was killed
            with suppress(WorkbenchError):
                adopted._tell_thresholds()  # or that may have been before it could tell them
            return adopted
        while not adopted.read():
            pass
        return None

    def renew_thresholds(self) -> None:
        """Raises or lowers the thresholds that are ahead, for another trial has reached an epoch that decides."""
        record, trial = self._record, self._trial
        if trial.until_epoch is None:
            return
        thresholds = record.way.thresholds(record.view, trial, trial.until_epoch)
        if any(trial.thresholds.get(epoch, threshold) != threshold for epoch, threshold in thresholds.items()):
            record.write(TrialThresholds(trial=trial.number, thresholds=written(thresholds)))
            with suppress(WorkbenchError):
                self._tell_thresholds()

    def _tell_thresholds(self) -> None:
        """Tells the trainer where to pause. To be told the same twice changes nothing."""
        trial = self._trial
        if trial.until_epoch is not None:
            thresholds = trial.thresholds or {trial.until_epoch: None}
            ask(self._run, "set_thresholds", thresholds=tuple(sorted(thresholds.items())))

    def has(self, trial: TrialView) -> bool:
        """Whether that trial is trained here."""
        return trial is self._trial

    def read(self) -> bool:
        """Reads what the trial has written; True once it has ended."""
        written = self._follower.read()
        for _, event in written:
            self._take(event)
        if written or self._follower.is_alive:
            return False
        record, trial = self._record, self._trial
        if problem := disk_problem(self._run, self._trainer.poll()):
            record.write(TrialStopped(trial=trial.number))  # it has done nothing wrong, and continues with the study
            self.disk_problem = problem
            return True
        discard = self._discard or record.way.discards(record.view, trial)
        preset, is_adopted = record.preset_of(trial), self.place is None
        record.write(ending_of(trial, self._run, preset, discard, record.stopping, is_adopted=is_adopted))
        return True

    def _take(self, event: Event) -> None:
        record, trial = self._record, self._trial
        match event:
            case Prepared():
                self._monitor = event.monitor
                if record.view.metric is None:
                    record.write(MetricKnown(metric=event.monitor))
            case EpochEnd() if event.epoch not in trial.values:
                values = event.validation or event.train
                known = metric(self._monitor) if self._monitor else record.view.metric or metric("loss")
                value = values.get(known.name)
                finite = value if isinstance(value, (int, float)) and math.isfinite(value) else None
                record.write(TrialValue(trial=trial.number, epoch=event.epoch, value=finite))
                self.has_reached_a_rung |= event.epoch in record.way.decided_after
                if self._discard is None and (discard := record.way.discards(record.view, trial)):
                    self._discard = discard
                    self.ask("stop")

    def ask(self, command: Command) -> None:
        """Asks its trainer to pause, to resume or to stop, if that can be written."""
        with suppress(WorkbenchError):
            ask(self._run, command)

    def drop(self, trial: TrialView) -> bool:
        """Ends its training, and waits for that; what became of it is not read. True: nothing is trained any more."""
        ask(self._run, "stop")
        while self._trainer.poll() is None:
            time.sleep(POLL_SECONDS)
        return True
