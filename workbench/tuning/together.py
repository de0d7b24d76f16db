"""Trains trials of a study together in one process; what becomes of them goes into the study's own events.

They have no run directories: a trial's `run` is empty, and its curve is in the study. If the controller dies, so does
the process, and such trials begin again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from workbench.errors import WorkbenchError
from workbench.processes.measuring import Progress
from workbench.processes.stacked import Ended, Ending, Message, Values, Way
from workbench.runs.events import Event
from workbench.tuning.events import MetricKnown, Noted, TrialDiscarded, TrialFinished, TrialStarted, TrialValue
from workbench.tuning.view import StudyView


class Process(Protocol):
    """As `workbench.processes.stacked.StackedProcess`."""

    def read(self, timeout: float = 0.0) -> Message | None:
        """The next message; None if there is none yet. Raises WorkbenchError."""

    def keep(self, candidates: Sequence[int]) -> None:
        """These are trained further."""

    def close(self) -> None:
        """Ends the process."""


KeptOf = Callable[[int, Mapping[int, float | None]], Collection[int]]
"""(epoch, values by trial) -> the trials that are trained further."""


class Together:
    """Some trials in training."""

    def __init__(
        self,
        process: Process,
        trials: Sequence[int],
        view: StudyView,
        write: Callable[[Event], None],
        kept: KeptOf = lambda epoch, values: values,
    ) -> None:
        """trials: their numbers, in the order of the process's candidates. kept: asked after the epochs of a decision.

        write: puts an event into the study, and into its view.
        """
        self._process = process
        self._trials = trials
        self._view = view
        self._write = write
        self._kept = kept
        self._unfinished = set(trials)
        self._is_over = False
        self.why_one_by_one = ""
        """Why the trials, none of which has begun, are to be trained one by one; empty where they are not."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self._is_over

    def poll(self) -> None:
        """Takes what the process has said since the last call. What it could not finish has failed."""
        try:
            while not self._is_over and (message := self._process.read()) is not None:
                self._take(message)
        except WorkbenchError as error:
            for trial in sorted(self._unfinished):
                self._write(TrialFinished(trial=trial, status="failed", reason=str(error), kind=error.kind))
            self._end()

    def close(self) -> None:
        """Ends the process. Trials that have not ended begin again when the study continues."""
        self._end()

    def _end(self) -> None:
        self._is_over = True
        self._process.close()

    def _take(self, message: Message) -> None:
        match message:
            case Progress():
                pass
            case Way(together=False):
                self.why_one_by_one = message.reason
                self._write(Noted(message=f"trials are trained one by one: {message.reason}"))
                self._end()
            case Way():
                self._write(Noted(message=f"{len(self._trials)} trials are trained together: {message.reason}"))
                for trial in self._trials:
                    self._write(TrialStarted(trial=trial, run=""))
            case Values():
                self._take_values(message)
            case Ended():
                self._take_ended(message)
            case Ending():
                self._end()

    def _take_values(self, message: Values) -> None:
        if self._view.metric is None:
            self._write(MetricKnown(metric=message.metric))
        values = dict(zip(self._trials, message.values, strict=True))
        running = {trial: value for trial, value in values.items() if trial in self._unfinished}
        for trial, value in running.items():
            self._write(TrialValue(trial=trial, epoch=message.epoch, value=value))
        if message.waits:
            kept = self._kept(message.epoch, running)
            self._process.keep([number for number, trial in enumerate(self._trials) if trial in kept])

    def _take_ended(self, message: Ended) -> None:
        trial = self._trials[message.candidate]
        self._unfinished.discard(trial)
        if message.status == "discarded":
            self._write(TrialDiscarded(trial=trial, reason=f"not among the best after epoch {message.epochs}"))
            return
        failed = message.status == "failed"
        self._write(
            TrialFinished(
                trial=trial,
                status=message.status,
                value=message.value,
                reason=message.reason,
                kind="diverged" if failed else "",
            )
        )
