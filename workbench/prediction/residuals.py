"""How far predicted numbers are from the true ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from workbench.processes.evaluation import MOST_TARGETS, Residuals

PERCENTS = (5, 25, 50, 75, 95)


def residuals_of(predicted: Tensor, true: Tensor, names: Sequence[str]) -> list[Residuals]:
    """Of each target, of many the first; empty where a prediction is not finite.

    predicted, true: float64 (samples, targets); names: of the targets, or none.
    """
    if not bool(predicted.isfinite().all()):
        return []
    return [
        _of_target(predicted[:, place], true[:, place], names[place] if names else "")
        for place in range(min(true.shape[1], MOST_TARGETS))
    ]


def _of_target(predicted: Tensor, true: Tensor, name: str) -> Residuals:
    residuals = predicted - true
    percents = torch.tensor(PERCENTS, dtype=torch.float64) / 100
    spread = (true - true.mean()).square().sum()
    is_constant = bool((true == true[0]).all())
    return Residuals(
        target=name,
        mean=float(residuals.mean()),
        deviation=float(residuals.std(correction=0)),
        quantiles={
            str(percent): float(value) for percent, value in zip(PERCENTS, _quantiles(residuals, percents), strict=True)
        },
        rmse=float(residuals.square().mean().sqrt()),
        mae=float(residuals.abs().mean()),
        r2=None if is_constant else float(1 - residuals.square().sum() / spread),
    )


def _quantiles(values: Tensor, fractions: Tensor) -> Tensor:
    """As numpy.quantile; torch.quantile takes no more than 16 million numbers."""
    ordered = values.sort().values
    places = fractions * (len(ordered) - 1)
    below = places.floor().long()
    above = (below + 1).clamp(max=len(ordered) - 1)
    return ordered[below].lerp(ordered[above], places - below)
