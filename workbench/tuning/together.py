"""Trials that are trained together in one process: what it says becomes events of the study.

Such trials have no run directories: a trial's `run` is empty, and its curve is in the study. If the controller dies, so
does the process, and such trials begin again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import StorageError, WorkbenchError
from workbench.files import make_folder
from workbench.processes.measuring import Progress
from workbench.processes.stacked import Ended, Ending, Message, Steer, Values, Way
from workbench.runs.control import Command
from workbench.tuning.events import (
    MetricKnown,
    TrialDiscarded,
    TrialFinished,
    TrialStarted,
    TrialStopped,
    TrialValue,
)
from workbench.tuning.places import Place, Stacking
from workbench.tuning.record import StudyRecord
from workbench.tuning.view import TrialView

ARE_TOGETHER = "trials are trained together"
ONE_BY_ONE = "trials are trained one by one"


class Together:
    """Some trials in training."""

    def __init__(self, record: StudyRecord, trials: Sequence[TrialView], place: Place, process: Stacking) -> None:
        """trials: in the order of the process's candidates."""
        self.place = place
        self.disk_problem = ""
        """Why the study could not be written any more."""
        self.are_one_by_one = False
        """Whether these trials, which then wait, are to be trained one by one."""
        self._record = record
        self._trials = trials
        self._process = process
        self._unfinished = {trial.number for trial in trials}
        self._seconds = dict.fromkeys(self._unfinished, 0.0)
        """Each trial's part of the time that all have taken."""
        self._measured = time.monotonic()
        self._metric = ""
        self._is_stopped = self._is_over = False

    @classmethod
    def start(cls, record: StudyRecord, trials: Sequence[TrialView], place: Place, *, if_faster: bool) -> Together:
        """Asks the place's process for them. if_faster: only if they are not trained faster one by one.

        Raises WorkbenchError.
        """
        presets = [record.preset_of(trial) for trial in trials]
        process, study, needs_scores = place.stacked(), record.study, record.way.needs_scores
        if needs_scores:
            make_folder(study.scores)
            study.judged.unlink(missing_ok=True)
        process.train(
            presets,
            record.way.decided_after,
            if_faster=if_faster,
            scores=[study.scores_of(trial.number) for trial in trials] if needs_scores else [],
            judged=study.judged if needs_scores else None,
            environment=study.environment,
        )
        return cls(record, trials, place, process)

    @property
    def first(self) -> TrialView:
        """One of the trials, which all look alike."""
        return self._trials[0]

    def has(self, trial: TrialView) -> bool:
        """Whether that trial is trained here."""
        return trial.number in self._unfinished

    def ask(self, command: Command) -> None:
        """Asks the process to pause, to resume or to stop: it stops at once, the others are done after an epoch."""
        if command == "stop":
            self._is_stopped = True
            self._process.close()
        else:
            self._measured = time.monotonic()
            self._process.steer(Steer(paused=command == "pause"))

    def drop(self, trial: TrialView) -> bool:
        """Ends a trial's training after the epoch under way; nothing more of it is read. False: others continue."""
        self._unfinished.discard(trial.number)
        self._process.steer(Steer(drop=[self._candidate(trial.number)]))
        return False

    def read(self) -> bool:
        """Takes what the process has said since the last call; True once nothing more comes."""
        if self._is_stopped:
            self._stop()
            return True
        try:
            while not self._is_over and (message := self._process.read()) is not None:
                self._take(message)
        except WorkbenchError as error:
            self._process.close()
            self._give_up(error)
        return self._is_over

    def _candidate(self, trial: int) -> int:
        return next(number for number, each in enumerate(self._trials) if each.number == trial)

    def _left(self) -> list[TrialView]:
        return [trial for trial in self._trials if trial.number in self._unfinished]

    def _stop(self) -> None:
        """With the study: those that have not ended begin again with it, or their time is over."""
        stopping = self._record.stopping
        for trial in self._left():
            if not stopping.keeps_trials:
                self._record.write(TrialDiscarded(trial=trial.number, reason=stopping.reason))
            elif trial.status == "running":
                self._record.write(TrialStopped(trial=trial.number))

    def _give_up(self, error: WorkbenchError) -> None:
        """What the process could not do may be done one by one: it takes less memory, and each says its own error."""
        self._is_over = True
        for trial in self._left():
            if trial.status == "running":
                self._record.write(TrialStopped(trial=trial.number))
        if error.kind == StorageError.kind:
            self.disk_problem = str(error)
            return
        self._say_one_by_one(str(error))

    def _say_one_by_one(self, reason: str) -> None:
        self.are_one_by_one = True
        self._record.note(f"{ONE_BY_ONE}: {reason}")

    def _take(self, message: Message) -> None:
        match message:
            case Progress():
                pass
            case Way(together=False):
                self._is_over = True
                self._say_one_by_one(message.reason)
            case Way():
                self._begin(message)
            case Values():
                self._take_values(message)
            case Ended():
                self._take_ended(message)
            case Ending():
                self._is_over = True

    def _begin(self, way: Way) -> None:
        if not any(note.startswith(ARE_TOGETHER) for note in self._record.view.notes):
            self._record.note(f"{ARE_TOGETHER}, and have no runs of their own: {way.reason}")
        for trial in self._left():
            self._record.write(TrialStarted(trial=trial.number, run="", until_epoch=trial.until_epoch))
        self._measured = time.monotonic()

    def _take_values(self, message: Values) -> None:
        record, self._metric = self._record, message.metric
        if record.view.metric is None:
            record.write(MetricKnown(metric=message.metric))
        self._measure_time()
        for trial, value in zip(self._trials, message.values, strict=True):
            if trial.number in self._unfinished:
                record.write(TrialValue(trial=trial.number, epoch=message.epoch, value=value))
        running = [trial.number for trial in self._left()]
        discards = record.way.discards_among(record.view, running, message.epoch)
        for each in discards:
            self._unfinished.discard(each.trial)
            record.write(TrialDiscarded(trial=each.trial, reason=each.reason, epoch=each.epoch))
        if message.waits:
            self._process.steer(Steer(keep=[self._candidate(trial.number) for trial in self._left()]))
        elif discards:
            self._process.steer(Steer(drop=[self._candidate(each.trial) for each in discards]))

    def _measure_time(self) -> None:
        now = time.monotonic()
        for number in self._unfinished:
            self._seconds[number] += (now - self._measured) / len(self._unfinished)
        self._measured = now

    def _take_ended(self, message: Ended) -> None:
        trial = self._trials[message.candidate]
        if trial.number not in self._unfinished:
            return  # it was discarded: that is written
        self._unfinished.discard(trial.number)
        failed = message.status == "failed"
        self._record.write(
            TrialFinished(
                trial=trial.number,
                status=message.status,
                value=None if failed else message.value,
                metric=self._metric,
                seconds=round(self._seconds[trial.number], 3),
                reason=message.reason,
                kind="diverged" if failed else "",
                validation=_numbers(message.validation),
                test=_numbers(message.test),
            )
        )


def _numbers(found: Mapping[str, Any] | None) -> dict[str, float] | None:
    """The metrics that are one finite number."""
    if found is None:
        return None
    return {name: value for name, value in found.items() if isinstance(value, int | float) and math.isfinite(value)}
