"""What a model learns from samples, and what follows from it: which answers are correct, which metrics there are.

The losses that fit a task are declared by the losses themselves (`LossChoice.tasks`). A further kind of task is one
line of `_RULES`, and the metrics that `workbench.metrics` declares for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from workbench.metrics import Metric, TaskKind, metrics_for

Correct = Callable[[Tensor, Tensor], Tensor]
"""(raw scores (samples, outputs), targets) of a batch -> how many samples are answered correctly, int64 scalar."""


def correct_classes(scores: Tensor, targets: Tensor) -> Tensor:
    """How many samples of a batch have the highest score for their class; waits for nothing."""
    return (scores.argmax(dim=1) == targets).sum()


@dataclass(frozen=True)
class _Rules:
    """What differs between the kinds of tasks."""

    default_monitor: str
    correct: Correct | None


_RULES: Mapping[TaskKind, _Rules] = {
    "classification": _Rules("accuracy", correct_classes),
    "regression": _Rules("loss", None),  # a number is more or less wrong, but never correct
}


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
    def correct(self) -> Correct | None:
        """Counts the correct answers of a batch, for the accuracy while training; None where no answer is correct."""
        return _RULES[self.kind].correct
