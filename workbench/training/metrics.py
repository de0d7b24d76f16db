"""Metrics of a split, from all its scores at once, on the device where they are.

Own code rather than torchmetrics: that costs a second or more to import in every trainer, and what is needed of it is
a confusion matrix and a rank sum. The tests hold each number against scikit-learn.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CONFUSION_CLASSES = 100
"""With more classes the confusion matrix is left out: a million numbers an epoch help nobody."""

LISTED_CLASSES = 10_000
"""With more classes the numbers of each are left out: megabytes an epoch."""

CHUNK_NUMBERS = 2**20
"""Scores that are ranked at a time, each of which takes some 64 bytes meanwhile."""

SORT_COSTS = 16
"""Comparisons of one score with those of all samples that take as long as sorting a class's scores takes a sample."""

CLASS_METRICS = ("loss", "accuracy", "f1_macro", "roc_auc")
NUMBER_METRICS = ("loss", "mae", "rmse", "r2")

HIGHER_IS_BETTER = frozenset({"accuracy", "f1_macro", "roc_auc", "r2"})


def classification_metrics(scores: Tensor, targets: Tensor) -> dict[str, Any]:
    """Accuracy, precision, recall, F1 (macro, weighted, and per class of up to LISTED_CLASSES), ROC AUC, confusion.

    scores: float (samples, classes), probabilities or any monotone function of them per class; targets: int64
    (samples,). A class that neither occurs nor is predicted counts in no macro mean; what would be 0 / 0 within
    a class is 0 (as scikit-learn's zero_division=0). ROC AUC is one class against the rest, averaged over the
    classes that have both; None if there are none. Confusion: rows are true classes, columns predictions.
    """
    return prediction_metrics(scores.argmax(dim=1), targets, scores.shape[1]) | {"roc_auc": roc_auc(scores, targets)}


def prediction_metrics(predictions: Tensor, targets: Tensor, classes: int) -> dict[str, Any]:
    """What `classification_metrics` gives apart from ROC AUC; predictions and targets: int64 (samples,).

    Takes memory in proportion to samples and classes, and to classes² only up to CONFUSION_CLASSES.
    """

    def count(labels: Tensor) -> Tensor:
        return torch.bincount(labels, minlength=classes).double()

    hits, support, predicted = count(targets[predictions == targets]), count(targets), count(predictions)
    precision = hits / predicted.clamp(min=1)
    recall = hits / support.clamp(min=1)
    f1 = 2 * hits / (support + predicted).clamp(min=1)
    seen = (support + predicted > 0).double()
    metrics: dict[str, Any] = {"accuracy": float(hits.sum() / max(len(targets), 1))}
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        metrics[f"{name}_macro"] = float((values * seen).sum() / seen.sum().clamp(min=1))
        metrics[f"{name}_weighted"] = float((values * support).sum() / support.sum().clamp(min=1))
    if classes <= LISTED_CLASSES:
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            metrics[name] = [round(value, 6) for value in values.tolist()]
        metrics["support"] = [int(count) for count in support.tolist()]
    if classes <= CONFUSION_CLASSES:
        pairs = torch.bincount(targets * classes + predictions, minlength=classes * classes)
        metrics["confusion"] = pairs.reshape(classes, classes).tolist()
    return metrics


def roc_auc(scores: Tensor, targets: Tensor) -> float | None:
    """Area under the ROC curve, one class against the rest, mean over the classes that have both.

    By rank sums (Mann and Whitney, 1947), ties counting half. scores: (samples, classes); targets: (samples,).
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
    """Classes, or samples with the scores of their class, that are ranked together."""
    return max(CHUNK_NUMBERS // max(samples, 1), 1)


def rank_sums(scores: Tensor, targets: Tensor, classes: Tensor) -> Tensor:
    """Sum of the ranks (from 1) that a class's own samples have among all by its scores, float64 (classes,).

    scores: (samples, all classes); targets: int64 (samples,); classes: numbers of some, int64.
    """
    by_class = scores.T[classes]
    ordered = by_class.sort(dim=1).values
    # Mean rank of each score: those below it, and half of those equal to it.
    below = torch.searchsorted(ordered, by_class)
    not_above = torch.searchsorted(ordered, by_class, right=True)
    ranks = (below + not_above + 1).double() / 2
    return (ranks * (targets == classes.unsqueeze(1))).sum(1)


def own_ranks(scores: Tensor, targets: Tensor, some: Tensor) -> Tensor:
    """Ranks (from 1) of some samples, int64 numbers, among all by the scores of their own class, float64 (some,)."""
    by_class = scores.index_select(1, targets[some])
    own = by_class[some, torch.arange(len(some), device=some.device)]
    below, not_above = (mask.view(torch.uint8).sum(0, dtype=torch.int32) for mask in (by_class < own, by_class <= own))
    return (below + not_above + 1).double() / 2


def regression_metrics(predictions: Tensor, targets: Tensor) -> dict[str, Any]:
    """Mean absolute error, root mean squared error and R², in the data's own units, over all target columns.

    predictions and targets: float (samples, outputs). R² is the mean over columns; None where a column is constant.
    """
    predictions, targets = predictions.double(), targets.double()
    errors = predictions - targets
    residual = errors.square().sum(0)
    spread = (targets - targets.mean(0)).square().sum(0)
    return {
        "mae": float(errors.abs().mean()),
        "rmse": float(errors.square().mean().sqrt()),
        "r2": float((1 - residual / spread).mean()) if bool((spread > 0).all()) else None,
    }
