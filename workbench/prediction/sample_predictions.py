"""What a model predicts of each sample of a split, and the loss of each: kept batch by batch while it is evaluated."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench.data.target_scale import TargetScale
from workbench.prediction.calibration import CalibrationSums, ClassPredictions
from workbench.settings.loss import IGNORED

OfEach = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class SamplePredictions:
    """Of all samples, in order; on the host."""

    losses: Tensor
    """Of a batch that has this sample alone, float64 (samples,)."""
    predicted: Tensor
    """Classes, int64 (samples,); tokens at `places`; numbers in the data's own unit, float64 (samples, outputs)."""
    true: Tensor
    """The same for what is right."""
    probability: Tensor | None = None
    """Of what is predicted, float32 (samples,); None for numbers."""
    probability_of_true: Tensor | None = None
    places: Tensor | None = None
    """Of a language model: where in each window the token is that got the lowest probability, int64 (samples,)."""

    def worst(self, most: int, among: Tensor | None = None) -> list[int]:
        """The samples with the highest loss, the worst first; one whose loss is not a number is the worst of all.

        among: bool (samples,), which ones; None for all.
        """
        order = self.losses.nan_to_num(nan=float("inf")).argsort(descending=True, stable=True)
        if among is not None:
            order = order[among[order]]
        return [int(number) for number in order[:most]]

    def confident_mistakes(self, most: int, at_least: float) -> list[int]:
        """The wrong predictions with at least that probability, the most confident first; none of numbers."""
        if self.probability is None or self.places is not None:
            return []
        wrong = (self.predicted != self.true) & (self.probability >= at_least)
        numbers = wrong.nonzero().squeeze(1)
        order = self.probability[numbers].argsort(descending=True, stable=True)
        return [int(number) for number in numbers[order[:most]]]


@dataclass
class PredictionCollector:
    """Takes the scores and targets of each batch of an evaluation, see `Evaluator.evaluate`."""

    loss: OfEach
    """The run's, of a batch."""
    probabilities: Callable[[Tensor], Tensor]
    """Of raw scores."""
    target_scale: TargetScale | None
    """Of a regression, whose scores come in the data's own unit."""
    calibration: CalibrationSums = field(default_factory=CalibrationSums)
    _kept: dict[str, list[Tensor]] = field(default_factory=dict)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Takes a batch, as `SplitMetrics.update` does."""
        if targets.is_floating_point():
            self._add_numbers(scores, targets)
        elif targets.dim() == 2:
            self._add_windows(scores, targets)
        else:
            self._add_classes(scores, targets)

    def predictions(self) -> SamplePredictions:
        """All that was added."""
        return SamplePredictions(**{name: torch.cat(parts).cpu() for name, parts in self._kept.items()})

    def _add_numbers(self, values: Tensor, targets: Tensor) -> None:
        scaled = [values.double(), targets.double()]
        if self.target_scale is not None:
            mean, std = (each.to(values.device) for each in (self.target_scale.mean, self.target_scale.std))
            scaled = [(each - mean) / std for each in scaled]
        # The engine may write the next batch into the same memory.
        self._keep(losses=self._of_each(*scaled), predicted=values.clone(), true=targets.clone())

    def _add_classes(self, scores: Tensor, targets: Tensor) -> None:
        predictions = ClassPredictions.of(self.probabilities(scores), targets)
        self.calibration.add(predictions)
        self._keep(
            losses=self._of_each(scores, targets),
            predicted=predictions.predicted,
            true=targets.clone(),
            probability=predictions.probability,
            probability_of_true=predictions.of_true,
        )

    def _add_windows(self, scores: Tensor, targets: Tensor) -> None:
        """scores: (n, vocabulary, length); targets: int64 (n, length), IGNORED among them."""
        counts, known = targets != IGNORED, targets.clamp(min=0)
        predictions = ClassPredictions.of(self.probabilities(scores), known)
        self.calibration.add(predictions.at(counts))
        # The token that is least expected stands for its window.
        places = predictions.of_true.masked_fill(~counts, float("inf")).argmin(dim=1)
        rows = torch.arange(len(places), device=places.device)
        chosen = predictions.at((rows, places))
        self._keep(
            losses=self._of_each(scores, targets),
            predicted=chosen.predicted,
            true=known[rows, places],
            probability=chosen.probability,
            probability_of_true=chosen.of_true,
            places=places,
        )

    def _of_each(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The loss of each sample by itself, float64 (n,)."""
        alone = torch.vmap(lambda score, target: self.loss(score.unsqueeze(0), target.unsqueeze(0)))
        with warnings.catch_warnings():
            # Writing one-hot rows in place has no rule for vmap, which then goes through the samples one by one.
            warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
            of_each: Tensor = alone(scores, targets)
        return of_each.double()

    def _keep(self, **parts: Tensor) -> None:
        for name, part in parts.items():
            self._kept.setdefault(name, []).append(part)
