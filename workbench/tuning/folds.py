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

    runs: the name of each fold's run. deviation: the standard deviation of the mean. Folds share training samples, so
    their values vary too little, for which it is corrected, see `mean_interval`; null for a single value.
    """
    values = [fold.get(judged.monitor) for fold in judged.folds]
    known = [value for value in values if value is not None and math.isfinite(value)]
    deviation = None
    if len(known) > 1:
        # Each fold leaves out one part of the samples and is trained on the others.
        deviation = math.sqrt(variance_of_mean(known, test_to_train=1 / (len(judged.samples) - 1)))
    return {
        "metric": judged.monitor,
        "mean": mean_and_deviation(known)[0] if known else None,
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
