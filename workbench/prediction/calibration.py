"""Measures calibration: whether predictions of probability p are right in a fraction p of the cases."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from workbench.processes.evaluation import CONFIDENT, Calibration, ConfidentMistakes, ReliabilityBin

BINS = 10


@dataclass(frozen=True)
class ClassPredictions:
    """Predictions of classes or tokens, with their targets: tensors of one shape, an element for each prediction."""

    predicted: Tensor
    """The class or token that has the highest probability, int64."""
    probability: Tensor
    """Of that."""
    correct: Tensor
    """Whether it is the target."""
    of_true: Tensor
    """The probability of what is right."""
    squares: Tensor
    """The sum of the squares of all probabilities."""

    @classmethod
    def of(cls, probabilities: Tensor, targets: Tensor) -> ClassPredictions:
        """probabilities: (n, classes) or (n, vocabulary, length); targets: what is right, int64 (n,) or (n, length)."""
        probability, predicted = probabilities.max(dim=1)
        of_true = probabilities.gather(1, targets.unsqueeze(1)).squeeze(1)
        return cls(predicted, probability, predicted == targets, of_true, probabilities.square().sum(1))

    def at(self, chosen: Tensor | tuple[Tensor, ...]) -> ClassPredictions:
        """Those of these indices, or where a mask is true."""
        return ClassPredictions(*(getattr(self, each.name)[chosen] for each in fields(self)))


class CalibrationSums:
    """Takes predictions batch by batch, and keeps sums on their device."""

    def __init__(self) -> None:
        self._bins: Tensor | None = None
        """Predictions, the sum of their probabilities, and how many are right: float64 (3, BINS)."""
        self._brier: Tensor | float = 0.0
        self._confident: Tensor | int = 0
        self._mistakes: Tensor | int = 0
        self._predictions = 0

    def add(self, predictions: ClassPredictions) -> None:
        """Adds predictions, whose tensors have one dimension."""
        confidence = predictions.probability.double()
        edges = torch.linspace(0, 1, BINS + 1, dtype=torch.float64, device=confidence.device)
        place = torch.bucketize(confidence, edges[1:-1])
        if self._bins is None:
            self._bins = confidence.new_zeros(3, BINS)
        correct = predictions.correct.double()
        self._bins.index_add_(1, place, torch.stack([torch.ones_like(confidence), confidence, correct]))
        self._brier = self._brier + (predictions.squares.double() - 2 * predictions.of_true.double() + 1).sum()
        confident = confidence >= CONFIDENT
        self._confident = self._confident + confident.sum()
        self._mistakes = self._mistakes + (confident & ~predictions.correct).sum()
        self._predictions += len(confidence)

    def calibration(self) -> Calibration | None:
        """What was measured; None without predictions, or where a probability is not a number."""
        if self._bins is None or not self._predictions or not bool(self._bins.isfinite().all()):
            return None
        counts, confidences, right = self._bins.cpu()
        gaps = (right - confidences).abs().sum() / counts.sum()
        return Calibration(
            expected_error=float(gaps),
            brier=float(self._brier) / self._predictions,
            bins=[_bin(place, *(float(each[place]) for each in (counts, confidences, right))) for place in range(BINS)],
        )

    def confident_mistakes(self) -> ConfidentMistakes:
        """How many predictions are confident, and how many of them wrong."""
        return ConfidentMistakes(CONFIDENT, int(self._confident), int(self._mistakes))


def _bin(place: int, count: float, confidence: float, right: float) -> ReliabilityBin:
    low, high = place / BINS, (place + 1) / BINS
    if not count:
        return ReliabilityBin(low, high, 0, None, None)
    return ReliabilityBin(low, high, int(count), confidence / count, right / count)
