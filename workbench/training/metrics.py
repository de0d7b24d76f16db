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

CLASS_METRICS = ("loss", "accuracy", "f1_macro", "roc_auc")
NUMBER_METRICS = ("loss", "mae", "rmse", "r2")

HIGHER_IS_BETTER = frozenset({"accuracy", "f1_macro", "roc_auc", "r2"})


def classification_metrics(scores: Tensor, targets: Tensor) -> dict[str, Any]:
    """Accuracy, precision, recall, F1 (macro, weighted, per class), ROC AUC and confusion matrix.

    scores: float (samples, classes), probabilities or any monotone function of them per class; targets: int64
    (samples,). A class that neither occurs nor is predicted counts in no macro mean; what would be 0 / 0 within
    a class is 0 (as scikit-learn's zero_division=0). ROC AUC is one class against the rest, averaged over the
    classes that have both; None if there are none. Confusion: rows are true classes, columns predictions.
    """
    classes = scores.shape[1]
    predictions = scores.argmax(dim=1)
    confusion = torch.bincount(targets * classes + predictions, minlength=classes * classes)
    confusion = confusion.reshape(classes, classes).double()
    hits, support, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    precision = hits / predicted.clamp(min=1)
    recall = hits / support.clamp(min=1)
    f1 = 2 * hits / (support + predicted).clamp(min=1)
    seen = (support + predicted > 0).double()
    metrics: dict[str, Any] = {"accuracy": float(hits.sum() / max(len(targets), 1))}
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        metrics[f"{name}_macro"] = float((values * seen).sum() / seen.sum().clamp(min=1))
        metrics[f"{name}_weighted"] = float((values * support).sum() / support.sum().clamp(min=1))
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        metrics[name] = [round(value, 6) for value in values.tolist()]
    metrics["support"] = [int(count) for count in support.tolist()]
    metrics["roc_auc"] = roc_auc(scores, targets)
    if classes <= CONFUSION_CLASSES:
        metrics["confusion"] = [[int(count) for count in row] for row in confusion.tolist()]
    return metrics


def roc_auc(scores: Tensor, targets: Tensor) -> float | None:
    """Area under the ROC curve, one class against the rest, mean over the classes that have both.

    By rank sums (Mann and Whitney, 1947), ties counting half. scores: (samples, classes); targets: (samples,).
    """
    by_class = scores.T.contiguous()
    ordered = by_class.sort(dim=1).values
    # Mean rank of each score: those below it, and half of those equal to it.
    below = torch.searchsorted(ordered, by_class)
    not_above = torch.searchsorted(ordered, by_class, right=True)
    ranks = (below + not_above + 1).double() / 2
    positive = torch.nn.functional.one_hot(targets, scores.shape[1]).T.double()
    positives = positive.sum(1)
    negatives = len(targets) - positives
    area = ((ranks * positive).sum(1) - positives * (positives + 1) / 2) / (positives * negatives).clamp(min=1)
    judged = (positives > 0) & (negatives > 0)
    return float(area[judged].mean()) if bool(judged.any()) else None


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
