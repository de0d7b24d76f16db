"""The task: what a model learns to predict, which predictions are correct, and which metrics it has.

Each loss declares the tasks that it fits (`LossChoice.tasks`). A new kind of task needs one line in `_RULES`, and
metrics in `workbench.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor

from workbench.metrics import Metric, TaskKind, metrics_for

SplitName = Literal["training", "validation", "test"]

Correct = Callable[[Tensor, Tensor], Tensor]
"""(raw scores (samples, outputs), targets) of a batch -> number of correct predictions, int64 scalar."""


def correct_classes(scores: Tensor, targets: Tensor) -> Tensor:
    """Counts the samples of a batch whose class has the highest score, without synchronising with the device.

    Of a language model, scores (n, vocabulary, length) and targets (n, length), it counts tokens.
    """
    return (scores.argmax(dim=1) == targets).sum()


@dataclass(frozen=True)
class _Rules:
    """The differences between the kinds of tasks."""

    default_monitor: str
    correct: Correct | None
    accuracy: str = ""
    """The metric that is the fraction of correct predictions."""


_RULES: Mapping[TaskKind, _Rules] = {
    "classification": _Rules("accuracy", correct_classes, "accuracy"),
    "regression": _Rules("loss", None),  # numbers are closer or farther, not correct or wrong
    "language_modeling": _Rules("loss", correct_classes, "token_accuracy"),
}


class BytesPerToken(NamedTuple):
    """Of each split of a text: bytes of its UTF-8, divided by its tokens; None where that is not known.

    The splits of one text may differ: another script takes other bytes, unseen words take more tokens.
    """

    training: float | None = None
    validation: float | None = None
    test: float | None = None


@dataclass(frozen=True)
class Task:
    """What a model learns to predict: the number of outputs, and the names of classes or targets."""

    kind: TaskKind
    outputs: int
    """Number of outputs of the model: one per class, per target column, or per token of the vocabulary."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in order of their numbers; empty for regression."""
    targets: tuple[str, ...] = ()
    """Names of the target columns: one per output of a regression, one for classes; empty if they have no names."""
    doubt: str = ""
    """If the kind was guessed and may be wrong: the setting that gives the other kind; else empty."""
    bytes_per_token: BytesPerToken | float | None = None
    """Of a text to be continued; one number where it is the same for all splits, None where it is not known."""

    def bytes_per_token_of(self, split: SplitName) -> float | None:
        """Bytes of a split's text, divided by its tokens; None where that is not known."""
        known = self.bytes_per_token
        return getattr(known, split) if isinstance(known, BytesPerToken) else known

    @property
    def metrics(self) -> list[Metric]:
        """The metrics of this task, in the order of their declarations."""
        return metrics_for(self.kind, self.outputs)

    @property
    def default_monitor(self) -> str:
        """The metric that decides the best epoch unless the user chooses one."""
        return _RULES[self.kind].default_monitor

    @property
    def correct(self) -> Correct | None:
        """Counts the correct predictions of a batch, for the training accuracy; None for regression."""
        return _RULES[self.kind].correct

    @property
    def accuracy(self) -> str:
        """The metric that is the fraction of correct predictions; empty for regression."""
        return _RULES[self.kind].accuracy

    @property
    def predicts_tokens(self) -> bool:
        """Whether each sample has as many targets as tokens: the model continues a text."""
        return self.kind == "language_modeling"
