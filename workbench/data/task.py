"""What a model learns from samples, and what follows from it: which answers are correct, which metrics there are.

The losses that fit a task are declared by the losses themselves (`LossChoice.tasks`). A further kind of task is one
more class here, and the metrics that `workbench.metrics` declares for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from workbench.metrics import Metric, TaskKind, metrics_for


class _Rules:
    """What differs between the kinds of tasks."""

    counts_correct: ClassVar[bool] = False
    default_monitor: ClassVar[str] = "loss"

    def correct(self, scores: Tensor, targets: Tensor) -> Tensor:
        raise NotImplementedError


class _Classification(_Rules):
    """One class a sample; targets are class numbers."""

    counts_correct = True
    default_monitor = "accuracy"

    def correct(self, scores: Tensor, targets: Tensor) -> Tensor:
        return (scores.argmax(dim=1) == targets).sum()


class _Regression(_Rules):
    """Numbers, which are more or less wrong but never correct."""


_RULES: Mapping[TaskKind, _Rules] = {"classification": _Classification(), "regression": _Regression()}


@dataclass(frozen=True)
class Task:
    """What a model learns from the samples: its output size, and for classes their names."""

    kind: TaskKind
    outputs: int
    """How many numbers a model returns: one a class, or one a target column."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in order of their numbers; empty for regression."""
    targets: tuple[str, ...] = ()
    """Names of the columns to predict: one an output of a regression, one for classes; empty where they have none."""
    doubt: str = ""
    """Where whole numbers were taken for the one kind and may be the other: what the other takes to be set."""

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that this task has, in the order of their declarations."""
        return metrics_for(self.kind, self.outputs)

    @property
    def default_monitor(self) -> str:
        """The metric that tells the best epoch where none is chosen."""
        return _RULES[self.kind].default_monitor

    @property
    def counts_correct(self) -> bool:
        """Whether answers are correct or not, so that an accuracy can be measured while training."""
        return _RULES[self.kind].counts_correct

    def correct(self, scores: Tensor, targets: Tensor) -> Tensor:
        """How many samples of a batch are answered correctly: int64 scalar on the device; waits for nothing.

        scores: raw (samples, outputs); targets: class numbers (samples,). Only where `counts_correct` is true.
        """
        return _RULES[self.kind].correct(scores, targets)
