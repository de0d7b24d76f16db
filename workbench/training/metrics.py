"""Computes the metrics that `workbench.metrics` declares, each by a function of the same name.

A function is registered with what it is computed from: `@computed_from(ClassCounts)` for a number from an accumulator
that several metrics may share, `@mean_over_samples` for the mean of what each sample has for itself.

This is own code because torchmetrics takes a second or more to import in every trainer, and only a confusion matrix and
a rank sum are needed of it. The tests compare each number with scikit-learn's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from workbench.metrics import Metric
from workbench.training.accumulators import (
    Accumulator,
    ClassCounts,
    ErrorSums,
    KeptScores,
    SampleMean,
    SplitFacts,
    TokenSums,
)

CHUNK_NUMBERS = 2**20
"""Scores ranked at a time; each takes some 64 bytes meanwhile."""

SORT_COSTS = 16
"""Cost of sorting a class's scores, for each sample, in comparisons of one score with those of all samples."""

MOST_SURPRISE = 690.0
"""e to this is about the largest number that events hold."""

Value = TypeVar("Value", bound=Callable[..., float | None])


@dataclass(frozen=True)
class Computation:
    """How a metric is computed."""

    accumulator: Callable[[SplitFacts], Any]
    """Makes what it is computed from; metrics that name the same one share it."""
    value: Callable[[Any], float | None]
    """Computes it; None where it is not defined for these samples."""


COMPUTATIONS: dict[str, Computation] = {}
"""By the metric's name. The loss is computed by the evaluation itself: it depends on the settings."""


def computed_from(accumulator: type[Accumulator]) -> Callable[[Value], Value]:
    """Registers a function of an accumulator as the metric of the function's name."""

    def register(function: Value) -> Value:
        COMPUTATIONS[function.__name__] = Computation(accumulator.of_split, function)
        return function

    return register


def mean_over_samples(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Registers a function of a batch's scores and targets, one value a sample, as the metric of its name."""
    COMPUTATIONS[function.__name__] = Computation(lambda _: SampleMean(function), SampleMean.compute)
    return function


class SplitMetrics:
    """All metrics of a task on one split, batch by batch."""

    def __init__(self, metrics: list[Metric], split: SplitFacts, *, keeps_scores: bool) -> None:
        """metrics: of the task; keeps_scores: whether the scores of all samples may be kept, see `KeptScores`."""
        declared = [metric for metric in metrics if metric.name in COMPUTATIONS]
        self._absent = [metric.name for metric in declared if metric.needs_all_scores and not keeps_scores]
        self._computations = {
            metric.name: COMPUTATIONS[metric.name] for metric in declared if metric.name not in self._absent
        }
        makers = dict.fromkeys(computation.accumulator for computation in self._computations.values())
        self.accumulators: dict[Callable[[SplitFacts], Any], Accumulator] = {make: make(split) for make in makers}

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Adds a batch. scores: (n, outputs), raw, or numbers in the data's own units. Needs float64."""
        for accumulator in self.accumulators.values():
            accumulator.update(scores, targets)

    def compute(self) -> dict[str, Any]:
        """The metrics and the numbers of each class; None for a metric that is not defined or not known."""
        values: dict[str, Any] = dict(self.values())
        for accumulator in self.accumulators.values():
            values |= accumulator.details()
        return values | dict.fromkeys(self._absent)

    def values(self) -> dict[str, float | None]:
        """The metrics that are known, without the numbers of each class."""
        return {
            name: computation.value(self.accumulators[computation.accumulator])
            for name, computation in self._computations.items()
        }


@computed_from(ClassCounts)
def accuracy(counts: ClassCounts) -> float:
    """The fraction of samples whose class has the highest score."""
    correct, support, _ = counts.counts
    return float(correct.sum() / support.sum().clamp(min=1))


@computed_from(ClassCounts)
def precision_macro(counts: ClassCounts) -> float:
    """Mean over the classes of the fraction of its predictions that are right."""
    return counts.macro("precision")


@computed_from(ClassCounts)
def recall_macro(counts: ClassCounts) -> float:
    """Mean over the classes of the fraction of its samples that are found."""
    return counts.macro("recall")


@computed_from(ClassCounts)
def f1_macro(counts: ClassCounts) -> float:
    """Mean over the classes of the harmonic mean of precision and recall."""
    return counts.macro("f1")


@computed_from(ClassCounts)
def mcc(counts: ClassCounts) -> float:
    """Matthews correlation of true and predicted classes (Gorodkin, 2004): 1 perfect, 0 as good as chance.

    0 where all samples are of one class or are taken for one, as scikit-learn has it.
    """
    correct, support, predicted = counts.counts
    samples = support.sum()
    covariance = correct.sum() * samples - support.dot(predicted)
    variances = (samples**2 - support.dot(support)) * (samples**2 - predicted.dot(predicted))
    return float(covariance / variances.sqrt()) if variances > 0 else 0.0


@mean_over_samples
def top5_accuracy(scores: Tensor, targets: Tensor) -> Tensor:
    """Whether a sample's class is among the five with the highest scores; of equal ones the first classes count."""
    own = scores.gather(1, targets.unsqueeze(1))
    earlier = torch.arange(scores.shape[1], device=scores.device) < targets.unsqueeze(1)
    # "Not less" rather than "greater", so that no score that is NaN is among the highest.
    ahead = torch.where(earlier, ~(scores < own), ~(scores <= own))
    return ahead.sum(1) < 5


@computed_from(ErrorSums)
def mae(sums: ErrorSums) -> float:
    """Mean absolute error, in the data's own units, over all target columns."""
    return float(sums.absolute.mean()) / sums.samples


@computed_from(ErrorSums)
def rmse(sums: ErrorSums) -> float:
    """Root mean squared error, in the data's own units, over all target columns."""
    return float((sums.squared.mean() / sums.samples).sqrt())


@computed_from(ErrorSums)
def r2(sums: ErrorSums) -> float | None:
    """R², the mean over the target columns; None where a column is constant."""
    spread = sums.spread
    return float((1 - sums.squared / spread).mean()) if bool((spread > 0).all()) else None


@computed_from(TokenSums)
def token_accuracy(sums: TokenSums) -> float:
    """The fraction of tokens that have the highest score where they are due."""
    return sums.means[1]


@computed_from(TokenSums)
def perplexity(sums: TokenSums) -> float | None:
    """e to the mean of -log of the probability of each token; None where it is too large to be a number."""
    surprise = sums.means[0]
    return math.exp(surprise) if surprise < MOST_SURPRISE else None


@computed_from(TokenSums)
def bits_per_byte(sums: TokenSums) -> float | None:
    """Bits that the text takes, divided by its bytes, if the model's probabilities compress it.

    Comparable between encodings, and with compression programs. None where the bytes of a token are not known.
    """
    return None if sums.bytes_per_token is None else sums.means[0] / math.log(2) / sums.bytes_per_token


@computed_from(KeptScores)
def roc_auc(kept: KeptScores) -> float | None:
    """Area under the ROC curve, see `mean_area`."""
    return mean_area(*kept.all)


def mean_area(scores: Tensor, targets: Tensor) -> float | None:
    """Area under the ROC curve of each class against the rest, averaged over the classes that have both.

    From rank sums (Mann and Whitney, 1947); ties count half. scores: (samples, classes); targets: (samples,). None
    where no class has both.
    """
    samples, count = scores.shape
    support = torch.bincount(targets, minlength=count)
    judged = ((support > 0) & (support < samples)).nonzero().squeeze(1)
    if len(judged) == 0:
        return None
    at_a_time = columns_at_a_time(samples)
    if samples < SORT_COSTS * len(judged):
        # By class: the columns that are gathered together then lie close to one another.
        own = torch.cat([own_ranks(scores, targets, some) for some in targets.argsort().split(at_a_time)])
        sums = torch.zeros(count, dtype=torch.float64, device=scores.device)
        sums = sums.index_add_(0, targets.sort().values, own)[judged]
    else:
        sums = torch.cat([rank_sums(scores, targets, classes) for classes in judged.split(at_a_time)])
    positives = support[judged].double()
    areas = (sums - positives * (positives + 1) / 2) / (positives * (samples - positives))
    return float(areas.mean())


def columns_at_a_time(samples: int) -> int:
    """How many classes, or samples with the scores of their class, are ranked together."""
    return max(CHUNK_NUMBERS // max(samples, 1), 1)


def rank_sums(scores: Tensor, targets: Tensor, classes: Tensor) -> Tensor:
    """For each class the sum of the ranks, from 1, that its samples have among all samples: float64 (classes,).

    Samples are ranked by their scores of that class. scores: (samples, all classes); targets: int64 (samples,);
    classes: the numbers of some classes, int64.
    """
    by_class = scores.T[classes]
    ordered = by_class.sort(dim=1).values
    # Mean rank of each score: those below it, and half of those equal to it.
    below = torch.searchsorted(ordered, by_class)
    not_above = torch.searchsorted(ordered, by_class, right=True)
    ranks = (below + not_above + 1).double() / 2
    return (ranks * (targets == classes.unsqueeze(1))).sum(1)


def own_ranks(scores: Tensor, targets: Tensor, some: Tensor) -> Tensor:
    """Ranks, from 1, of some samples (int64 numbers) among all, by the scores of their own class: float64 (some,)."""
    by_class = scores.index_select(1, targets[some])
    own = by_class[some, torch.arange(len(some), device=some.device)]
    below, not_above = (mask.view(torch.uint8).sum(0, dtype=torch.int32) for mask in (by_class < own, by_class <= own))
    return (below + not_above + 1).double() / 2
