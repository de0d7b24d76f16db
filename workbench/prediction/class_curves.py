"""ROC and precision-recall curves: how well the probability of each class tells its samples from all others."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from workbench.processes.judging import CURVE_POINTS, MOST_CURVES, ClassCurves

DIGITS = 5


def class_curves(probabilities: Tensor, true: Tensor) -> list[ClassCurves]:
    """The curves of each class against the rest, those with the lowest average precision first.

    probabilities: (samples, classes), on the host; true: int64 (samples,). A class that all samples have, or none, has
    no curves.
    """
    labels = true.numpy()
    found = []
    for number in range(probabilities.shape[1]):
        is_of_class = labels == number
        positives = int(is_of_class.sum())
        if 0 < positives < len(labels):
            found.append(_curves(number, probabilities[:, number].double().numpy(), is_of_class))
    return sorted(found, key=lambda each: each.average_precision)[:MOST_CURVES]


def _curves(number: int, scores: np.ndarray, is_of_class: np.ndarray) -> ClassCurves:
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    # Equal scores cannot be told apart: a threshold lies only where the score changes, and behind the last one.
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits = np.cumsum(is_of_class[order])[ends].astype(float)
    predictions = ends + 1.0
    positives, negatives = hits[-1], predictions[-1] - hits[-1]
    recall = np.concatenate([[0.0], hits / positives])
    false_positives = np.concatenate([[0.0], (predictions - hits) / negatives])
    precision = hits / predictions
    grid = np.linspace(0, 1, CURVE_POINTS)
    return ClassCurves(
        number=number,
        samples=int(positives),
        area=float(np.sum(np.diff(false_positives) * (recall[1:] + recall[:-1])) / 2),
        average_precision=float(np.sum(np.diff(recall) * precision)),
        found=_rounded(_at_most(grid, false_positives, recall)),
        precision=_rounded(precision[np.searchsorted(recall[1:], grid - 1e-12).clip(max=len(precision) - 1)]),
    )


def _at_most(grid: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """The height of a curve at each x of the grid; where it rises upright, the upper end. xs: rising, from 0 to 1."""
    place = np.searchsorted(xs, grid + 1e-12, side="right") - 1
    following = (place + 1).clip(max=len(xs) - 1)
    run = xs[following] - xs[place]
    part = np.divide(grid - xs[place], run, out=np.zeros_like(grid), where=run > 0)
    heights: np.ndarray = ys[place] + part * (ys[following] - ys[place])
    return heights


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
