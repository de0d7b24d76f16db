"""Evaluates the held-out splits: validation after an epoch, test at the end. Requests are handled meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from workbench.errors import DamagedCheckpointError
from workbench.runs.directory import RunDirectory
from workbench.runs.events import TestResult, WarningRaised
from workbench.runs.writer import EventWriter
from workbench.training.checkpointing.saver import Saver
from workbench.training.checkpointing.state import TrainingState
from workbench.training.divergence import DivergenceCheck
from workbench.training.evaluation import Evaluator
from workbench.training.job import Job
from workbench.training.poll_schedule import PollSchedule
from workbench.training.timing.time_account import TimeAccount
from workbench.training.validation_scores import ScoreCollector, ValidationScores


class HeldOutSplits:
    """Evaluates the model of a training run on the validation and the test split."""

    def __init__(
        self,
        job: Job,
        run: RunDirectory,
        evaluator: Evaluator,
        saver: Saver,
        events: EventWriter,
        times: TimeAccount,
        check: DivergenceCheck,
        handle_requests: Callable[[], bool],
    ) -> None:
        """handle_requests: returns True if training was asked to stop."""
        self._job = job
        self._run = run
        self._evaluator = evaluator
        self._saver = saver
        self._events = events
        self._times = times
        self._check = check
        self._handle_requests = handle_requests

    def validate(self, state: TrainingState) -> dict[str, Any] | None:
        """Metrics of the validation split; None if training was asked to stop meanwhile. Raises DivergedError."""
        assert self._job.validation is not None
        with self._times.measure("validate"):
            metrics = self._evaluator.evaluate(self._job.validation, "validation", self._interruption())
        if metrics is not None:
            self._check.evaluation_loss("validation loss", metrics["loss"], state.step)
        return metrics

    def test(self, state: TrainingState) -> dict[str, Any] | None:
        """Metrics of the test split with the best epoch's weights if they were kept, else with the last ones.

        They are written as an event. None if training was asked to stop meanwhile. Raises DivergedError.
        """
        assert self._job.test is not None
        with self._times.measure("test"):
            weights = self._load_best(state) or f"last epoch {state.epoch:,}"
            metrics = self._evaluator.evaluate(self._job.test, "test", self._interruption())
        if metrics is not None:
            self._check.evaluation_loss("test loss", metrics["loss"], state.step)
            self._events.write(TestResult(step=state.step, weights=weights, metrics=metrics))
        return metrics

    def keep_validation_scores(self, state: TrainingState) -> ValidationScores | None:
        """Writes what the model answers for the validation split into the run's directory.

        With the best epoch's weights if they were kept, else with the last ones. None if training was asked to stop
        meanwhile. Raises StorageError; DivergedError.
        """
        assert self._job.validation is not None
        collector = ScoreCollector()
        with self._times.measure("validate"):
            self._load_best(state)
            metrics = self._evaluator.evaluate(self._job.validation, "validation", self._interruption(), collector.add)
        if metrics is None:
            return None
        self._check.evaluation_loss("validation loss", metrics["loss"], state.step)
        scores = collector.gathered(metrics)
        scores.save(self._run.validation_scores)
        return scores

    def _load_best(self, state: TrainingState) -> str:
        """Gives the model the best epoch's weights, and names them; empty where there are none, or they are lost."""
        epoch = state.best_epoch
        if epoch is None or not self._job.preset.training.keep_best:
            return ""
        try:
            self._saver.load_best(epoch)
        except DamagedCheckpointError as error:
            message = f"{error.problem}: the last epoch's weights are tested in place of those of epoch {epoch:,}"
            self._events.write(WarningRaised(step=state.step, message=message))
            return ""
        return f"best epoch {epoch:,}"

    def _interruption(self) -> Callable[[], bool]:
        """What an evaluation calls between two batches: whether to stop, asked about ten times a second."""
        polls, batches, stopping = PollSchedule(), count(1), False

        def interrupted() -> bool:
            nonlocal stopping
            batch = next(batches)
            if batch >= polls.next_check and polls.is_due(batch, time.perf_counter()):
                stopping = self._handle_requests()
            return stopping

        return interrupted
