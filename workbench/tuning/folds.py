"""Cross-validation: the trials that leave out each fold, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from workbench.metrics import METRICS
from workbench.processes.out_of_fold import OutOfFold
from workbench.tuning.statistics import mean_and_deviation, variance_of_mean

FOLD = "validation.fold"


def fold_changes(folds: int) -> tuple[dict[str, Any], ...]:
    """The setting that each trial of a cross-validation changes."""
    return tuple({FOLD: fold} for fold in range(folds))


def result_of(judged: OutOfFold, runs: Sequence[str]) -> dict[str, Any]:
    """The result of a cross-validation, as JSON holds it: of each fold, over the folds, and of all samples together.

    runs: the name of each fold's run. mean, deviation: as `mean_over_folds` gives them.
    """
    values = [fold.get(judged.monitor) for fold in judged.folds]
    mean, deviation = mean_over_folds(values)
    return {
        "metric": judged.monitor,
        "mean": mean,
        "deviation": deviation,
        "folds": [
            {
                "fold": number,
                "run": run,
                "samples": samples,
                "value": value,
                "metrics": {each.name: fold[each.name] for each in METRICS if each.name in fold},
            }
            for number, (run, samples, value, fold) in enumerate(
                zip(runs, judged.samples, values, judged.folds, strict=True)
            )
        ],
        "pooled": judged.pooled,
    }


def mean_over_folds(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """The mean of a metric over all folds of a cross-validation, and the standard deviation of that mean.

    Folds share training samples, so that their values vary too little, for which the deviation is corrected, see
    `mean_interval`. values: None, or not finite, for a fold where the metric is not defined, which does not count.
    No mean without a value, no deviation for a single one.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return None, None
    if len(known) < 2:
        return mean_and_deviation(known)[0], None
    # Each fold leaves out one part of the samples and is trained on the others.
    return mean_and_deviation(known)[0], math.sqrt(variance_of_mean(known, test_to_train=1 / (len(values) - 1)))
