"""Finds the best epoch, and decides when training stops early."""

from __future__ import annotations

from typing import Any

from workbench.settings.schedule import Schedule
from workbench.training.checkpointing.saver import Saver
from workbench.training.checkpointing.state import TrainingState
from workbench.training.divergence import DivergenceCheck
from workbench.training.job import Job
from workbench.units import count


class BestEpoch:
    """Compares each validated epoch with the best so far, and keeps the weights of the better one."""

    def __init__(self, job: Job, schedule: Schedule, saver: Saver, check: DivergenceCheck) -> None:
        self._monitor = job.monitor
        self._settings = job.preset.training
        self._schedule = schedule
        self._saver = saver
        self._check = check

    def compare(self, state: TrainingState, metrics: dict[str, Any]) -> bool:
        """Whether the epoch that ends now is the best; then its metrics and weights are kept.

        metrics: of the validation split, or of the training split where there is none. Raises DivergedError.
        """
        self._schedule.observe(metrics["loss"])
        value = metrics.get(self._monitor.name)
        if value is None or not self._monitor.better(value, state.best_value):
            state.validations_since_best += 1
            return False
        state.best_value, state.best_epoch, state.validations_since_best = value, state.epoch + 1, 0
        state.best_validation = metrics if self._monitor.on_validation else None
        if self._settings.keep_best:
            self._check.weights(state.step)
            self._saver.keep_best(state)
        return True

    def why_stop(self, state: TrainingState) -> str:
        """Why training stops early, in words; empty if it does not."""
        patience = self._settings.early_stopping_patience
        if not patience or state.validations_since_best < patience:
            return ""
        return f"stopped early: no better {self._monitor.name} in {count(patience)} validations"
