"""Cross-validation: the trials that leave out each fold, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from workbench.metrics import METRICS
from workbench.processes.out_of_fold import OutOfFold
from workbench.settings.preset import Preset
from workbench.settings.validation import CrossValidation, KFold
from workbench.tuning.statistics import mean_and_deviation, variance_of_mean

FOLD = "validation.fold"


def trains_all_folds(preset: Preset) -> bool:
    """Whether a preset stands for the runs of all its folds."""
    return isinstance(preset.validation, CrossValidation) and preset.validation.is_all


def fold_changes(preset: Preset, samples: int) -> tuple[dict[str, Any], ...]:
    """The setting that each trial of a cross-validation changes. samples: that there are besides the test split."""
    folds = preset.validation.folds if isinstance(preset.validation, KFold) else samples
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
        deviation = math.sqrt(variance_of_mean(known, test_to_train=test_to_train(judged.samples)))
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


def test_to_train(samples: Sequence[int]) -> float:
    """The samples that a fold leaves out over those that it is trained on. samples: left out by each fold."""
    return 1 / (len(samples) - 1)
