"""What becomes of one candidate: its rates, the values after each epoch, its best epoch, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate, ScheduledRate
from workbench.training.job import Job, Monitor
from workbench.training.tuning.stacked.evaluation import Evaluated

Status = Literal["running", "completed", "discarded", "failed"]


@dataclass(frozen=True)
class EpochValues:
    """What was measured after an epoch."""

    epoch: int
    """From 1."""
    learning_rate: float
    """Of its last step."""
    train: dict[str, float]
    """The loss, and the accuracy of classes."""
    validation: dict[str, float | None] | None
    """The loss and the monitored metric; None where this epoch was not validated."""


@dataclass
class Course:
    """A candidate in training."""

    number: int
    """In the list of presets."""
    preset: Preset
    data_set: int
    """The number of its data set within its stack."""
    monitor: Monitor
    rate: ScheduledRate
    observe: Any
    """Takes the validation loss, for a schedule that depends on it."""
    status: Status = "running"
    reason: str = ""
    epochs: list[EpochValues] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    """Of each step."""
    best_epoch: int | None = None
    best_value: float | None = None
    validations_since_best: int = 0
    validation: Evaluated | None = None
    """At the end, with the weights that are kept; None where it did not come to its end."""
    test: Evaluated | None = None

    @classmethod
    def of(cls, number: int, preset: Preset, data_set: int, job: Job) -> Course:
        """A candidate before its first step. job: of its data set."""
        schedule = preset.schedule.build(preset.training.epochs)
        base = BaseRate(preset.optimizer.learning_rate, preset.changes)
        rate = ScheduledRate(base.at, schedule, job.steps_per_epoch)
        monitor = replace(job.monitor, min_delta=preset.training.early_stopping_min_delta)
        return cls(number, preset, data_set, monitor, rate, schedule.observe)

    @property
    def value(self) -> float | None:
        """The monitored metric after the last epoch; None where it was not measured, or is not defined."""
        last = self.epochs[-1]
        if self.monitor.on_validation:
            return None if last.validation is None else last.validation.get(self.monitor.name)
        return last.train.get(self.monitor.name)

    def add(self, values: EpochValues) -> bool:
        """Takes the values of an epoch; whether it is the best so far."""
        self.epochs.append(values)
        measured = values.validation if self.monitor.on_validation else values.train
        if measured is None:
            return False
        self.observe(measured["loss"])
        value = measured.get(self.monitor.name)
        if value is None or not self.monitor.better(value, self.best_value):
            self.validations_since_best += 1
            return False
        self.best_value, self.best_epoch, self.validations_since_best = value, values.epoch, 0
        return True

    @property
    def is_over(self) -> bool:
        """Whether it is trained to its end, or stops early."""
        training = self.preset.training
        patience = training.early_stopping_patience
        if patience and self.validations_since_best >= patience:
            return True
        return len(self.epochs) >= training.epochs
