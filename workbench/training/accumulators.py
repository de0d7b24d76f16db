"""What metrics are computed from, accumulated batch by batch on the device.

No update waits for the device, and none but `KeptScores` grows with the number of samples. `metrics` computes the
numbers from them at the end of a split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.settings.loss import IGNORED

CONFUSION_CLASSES = 100
"""With more classes the confusion matrix is left out: a million numbers an epoch help nobody."""

LISTED_CLASSES = 10_000
"""With more classes the numbers of each class are left out: megabytes an epoch."""


@dataclass(frozen=True)
class SplitFacts:
    """What is known of a split before it is evaluated."""

    samples: int
    outputs: int
    """Scores a sample."""
    probabilities: Callable[[Tensor], Tensor]
    """Of raw scores (n, classes)."""
    bytes_per_token: float | None = None
    """Of a text to be continued; None where that is not known."""


class Accumulator(Protocol):
    """Takes batch after batch of a split."""

    @classmethod
    def of_split(cls, split: SplitFacts) -> Self:
        """An empty one, for a split of which that is known."""

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Adds a batch. scores: float32 (n, outputs), raw; targets: int64 (n,), or numbers (n, outputs).

        Of a language model (n, vocabulary, length) and (n, length).
        """

    def details(self) -> dict[str, Any]:
        """What is stored beside the metrics: numbers of each class."""


class MeanLoss:
    """The loss of a split: the mean over its samples, in which class weights count as in one large batch."""

    def __init__(
        self, loss: Callable[[Tensor, Tensor], Tensor], batch_weight: Callable[[Tensor], Tensor | int]
    ) -> None:
        """loss: the mean of a batch; batch_weight: how much it counts, from the batch's targets."""
        self._loss = loss
        self._batch_weight = batch_weight
        self._sum: Tensor | float = 0.0
        self._weight: Tensor | float = 0.0

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Adds the loss of a batch."""
        loss, weight = on_host_without_float64(self._loss(scores, targets)), self._batch_weight(targets)
        if isinstance(weight, Tensor):
            weight = on_host_without_float64(weight).double()
        self._sum = self._sum + loss.double() * weight
        self._weight = self._weight + weight

    def compute(self) -> float:
        """The mean; 0 where no sample has a weight, as the loss of one such batch."""
        weight = float(self._weight)
        return float(self._sum) / (weight or 1.0)


class ClassCounts:
    """For each class how often it occurs, is predicted, and both: (classes,) int64, or a matrix of pairs."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._pairs: Tensor | None = None
        """True class times classes plus predicted class, flat; of few classes only."""
        self._sums: list[Tensor] = []
        """Otherwise: correct, support, predicted."""

    @classmethod
    def of_split(cls, split: SplitFacts) -> Self:
        return cls(split.outputs)

    def update(self, scores: Tensor, targets: Tensor) -> None:
        predictions = scores.argmax(dim=1)
        ones = torch.ones_like(targets)
        # index_add_ and not bincount, which waits for the device to know how long its result is.
        if self.classes <= CONFUSION_CLASSES:
            if self._pairs is None:
                self._pairs = targets.new_zeros(self.classes**2)
            self._pairs.index_add_(0, targets * self.classes + predictions, ones)
            return
        if not self._sums:
            self._sums = [targets.new_zeros(self.classes) for _ in range(3)]
        correct, support, predicted = self._sums
        correct.index_add_(0, targets, (predictions == targets).long())
        support.index_add_(0, targets, ones)
        predicted.index_add_(0, predictions, ones)

    @property
    def confusion(self) -> Tensor | None:
        """int64 (classes, classes), rows are true classes, columns predictions; None with many classes."""
        return None if self._pairs is None else self._pairs.reshape(self.classes, self.classes)

    @property
    def counts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of each class: samples answered correctly, samples that are of it, samples taken for it; on the host."""
        matrix = self.confusion
        if matrix is None:
            correct, support, predicted = torch.stack(self._sums).cpu().double()
        else:
            matrix = matrix.cpu().double()
            correct, support, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
        return correct, support, predicted

    def by_class(self) -> dict[str, Tensor]:
        """Precision, recall and F1 of each class, float64 (classes,) on the host; what would be 0 / 0 is 0."""
        correct, support, predicted = self.counts
        return {
            "precision": correct / predicted.clamp(min=1),
            "recall": correct / support.clamp(min=1),
            "f1": 2 * correct / (support + predicted).clamp(min=1),
        }

    def macro(self, name: str) -> float:
        """The mean of precision, recall or f1 over the classes that occur or are predicted."""
        _, support, predicted = self.counts
        seen = (support + predicted > 0).double()
        return float((self.by_class()[name] * seen).sum() / seen.sum().clamp(min=1))

    def details(self) -> dict[str, Any]:
        """Means weighted by support, the numbers of each class, and the confusion matrix."""
        _, support, _ = self.counts
        found: dict[str, Any] = {}
        for name, values in self.by_class().items():
            found[f"{name}_weighted"] = float((values * support).sum() / support.sum().clamp(min=1))
            if self.classes <= LISTED_CLASSES:
                found[name] = [round(value, 6) for value in values.tolist()]
        if self.classes <= LISTED_CLASSES:
            found["support"] = [int(count) for count in support.tolist()]
        if self.confusion is not None:
            found["confusion"] = self.confusion.tolist()
        return found


class SampleMean:
    """The mean over the samples of a value that each sample has."""

    def __init__(self, of_samples: Callable[[Tensor, Tensor], Tensor]) -> None:
        """of_samples: (scores, targets) of a batch -> a bool or number for each sample, (n,)."""
        self._of_samples = of_samples
        self._sum: Tensor | float = 0.0
        self._samples = 0

    def update(self, scores: Tensor, targets: Tensor) -> None:
        self._sum = self._sum + self._of_samples(scores, targets).double().sum()
        self._samples += len(targets)

    def compute(self) -> float:
        """The mean."""
        return float(self._sum) / max(self._samples, 1)

    def details(self) -> dict[str, Any]:
        return {}


class ErrorSums:
    """Sums over the errors of predicted numbers, in float64, and the spread of the targets (Chan et al., 1979)."""

    def __init__(self) -> None:
        self.samples = 0
        self._first: Tensor | None = None
        """The first target, which is subtracted from all: a constant column then has no spread at all."""

    @classmethod
    def of_split(cls, split: SplitFacts) -> Self:
        return cls()

    def update(self, predictions: Tensor, targets: Tensor) -> None:
        predictions, targets = predictions.double(), targets.double()
        if self._first is None:
            self._first = targets[:1].clone()
            self.absolute, self.squared, self._mean, self.spread = targets.new_zeros(4, targets.shape[1]).unbind()
        errors, offsets = predictions - targets, targets - self._first
        self.absolute = self.absolute + errors.abs().sum(0)
        self.squared = self.squared + errors.square().sum(0)
        before, batch = self.samples, len(targets)
        self.samples += batch
        mean = offsets.mean(0)
        change = mean - self._mean
        self.spread = self.spread + (offsets - mean).square().sum(0) + change.square() * (before * batch / self.samples)
        self._mean = self._mean + change * (batch / self.samples)

    def details(self) -> dict[str, Any]:
        return {}


class TokenSums:
    """How well the next tokens of a text are predicted: sums over all tokens but padding."""

    def __init__(self, bytes_per_token: float | None) -> None:
        self.bytes_per_token = bytes_per_token
        self._sums: Tensor | None = None
        """-log of the probability of the right token, tokens predicted right, tokens; float64 (3,)."""

    @classmethod
    def of_split(cls, split: SplitFacts) -> Self:
        return cls(split.bytes_per_token)

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Adds a batch. scores: (n, vocabulary, length), raw; targets: int64 (n, length)."""
        by_token, expected = scores.transpose(1, 2).flatten(0, 1), targets.flatten()
        surprise = F.cross_entropy(by_token, expected, ignore_index=IGNORED, reduction="none").double().sum()
        correct = (by_token.argmax(1) == expected).sum()
        sums = torch.stack([surprise, correct.double(), (expected != IGNORED).sum().double()])
        self._sums = sums if self._sums is None else self._sums + sums

    @property
    def means(self) -> tuple[float, float]:
        """Of a token: -log of its probability, and the fraction that is predicted right."""
        assert self._sums is not None
        surprise, correct, tokens = self._sums.tolist()
        return surprise / max(tokens, 1.0), correct / max(tokens, 1.0)

    def details(self) -> dict[str, Any]:
        return {}


class KeptScores:
    """The probabilities of all samples, for metrics that need them at once; each batch is written where it belongs."""

    def __init__(self, split: SplitFacts) -> None:
        self._split = split
        self._filled = 0
        self._scores: Tensor | None = None
        self._targets: Tensor | None = None

    @classmethod
    def of_split(cls, split: SplitFacts) -> Self:
        return cls(split)

    def update(self, scores: Tensor, targets: Tensor) -> None:
        if self._scores is None or self._targets is None:
            self._scores = scores.new_empty((self._split.samples, scores.shape[1]))
            self._targets = targets.new_empty(self._split.samples)
        place = slice(self._filled, self._filled + len(targets))
        self._scores[place], self._targets[place] = self._split.probabilities(scores), targets
        self._filled += len(targets)

    @property
    def buffers(self) -> tuple[Tensor, Tensor]:
        """Room for all probabilities (samples, classes) and class numbers (samples,), filled or not."""
        assert self._scores is not None
        assert self._targets is not None
        return self._scores, self._targets

    @property
    def all(self) -> tuple[Tensor, Tensor]:
        """Probabilities (samples, classes) and class numbers (samples,)."""
        scores, targets = self.buffers
        return scores[: self._filled], targets[: self._filled]

    def details(self) -> dict[str, Any]:
        return {}


def on_host_without_float64(tensor: Tensor) -> Tensor:
    """The tensor where float64 exists: Metal has none, so there each batch waits for the device."""
    return tensor.cpu() if tensor.device.type == "mps" else tensor
