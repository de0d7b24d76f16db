"""Predicted against true numbers, as points and as a histogram of residuals."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.processes.judging import MOST_POINTS, MOST_TARGETS, RESIDUAL_BINS, Fit

DIGITS = 6
"""Significant digits of a number that is sent."""
LARGEST = 0.1
"""Of the points, the fraction that has the largest errors; the others are spread evenly over all samples."""


def fits_of(predicted: Tensor, true: Tensor) -> list[Fit]:
    """Of each target, of many the first; empty where a prediction is not finite.

    predicted, true: float64 (samples, targets).
    """
    if not len(true) or not bool(predicted.isfinite().all()):
        return []
    return [_of_target(predicted[:, place], true[:, place]) for place in range(min(true.shape[1], MOST_TARGETS))]


def _of_target(predicted: Tensor, true: Tensor) -> Fit:
    residuals = predicted - true
    low, high = float(residuals.min()), float(residuals.max())
    if low == high:
        margin = abs(low) / 10 or 0.5
        low, high = low - margin, high + margin
    # In units of bins: torch.histc wants its range in the type of the values, and takes no float64 on all versions.
    bins = ((residuals - low) / (high - low) * RESIDUAL_BINS).long().clamp(0, RESIDUAL_BINS - 1)
    shown = _points(residuals)
    return Fit(
        true=_rounded(true[shown]),
        predicted=_rounded(predicted[shown]),
        low=low,
        high=high,
        counts=torch.bincount(bins, minlength=RESIDUAL_BINS).tolist(),
    )


def _points(residuals: Tensor) -> Tensor:
    """The numbers of the samples that are sent, in order."""
    samples = len(residuals)
    if samples <= MOST_POINTS:
        return torch.arange(samples)
    largest = residuals.abs().topk(int(LARGEST * MOST_POINTS)).indices
    spread = torch.linspace(0, samples - 1, MOST_POINTS - len(largest), dtype=torch.float64).long()
    chosen: Tensor = torch.cat([largest, spread]).unique()
    return chosen


def _rounded(values: Tensor) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]
