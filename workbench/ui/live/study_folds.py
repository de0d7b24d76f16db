"""What is known of the folds of a study: each by itself, and all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from workbench.metrics import METRICS, Metric
from workbench.tuning.folds import FOLD, mean_over_folds
from workbench.tuning.statistics import mean_and_deviation
from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import StudyWatch, number_of


@dataclass(frozen=True)
class Fold:
    """One fold, once all folds were judged."""

    samples: int | None = None
    """That it leaves out."""
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Overall:
    """A metric over all trials; None where it is not known."""

    metric: Metric
    mean: float | None = None
    deviation: float | None = None
    """Standard deviation of the mean over folds, corrected for the training samples that they share."""
    between: float | None = None
    """Standard deviation between two trials."""
    pooled: float | None = None
    """Of all samples together, each judged by the model without it."""


def fold_of(trial: TrialView) -> int:
    """The fold that a trial leaves out."""
    return number_of(trial.settings.get(FOLD, trial.number)) or 0


def folds_of(watch: StudyWatch) -> dict[int, Fold]:
    """What the result says of each fold; nothing before all of them were judged."""
    listed = (watch.result or {}).get("folds")
    found = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and (number := number_of(each.get("fold"))) is not None:
            found[number] = Fold(number_of(each.get("samples")), _numbers(each.get("metrics")))
    return found


def shown_metrics(watch: StudyWatch) -> list[Metric]:
    """The metrics of each fold that are worth a column, the one that chose the epochs first."""
    first = watch.view.metric
    folds = folds_of(watch).values()
    rest = [each for each in METRICS if each.is_headline and any(each.name in fold.metrics for fold in folds)]
    return ([] if first is None else [first]) + [each for each in rest if each != first]


def value_of(watch: StudyWatch, trial: TrialView, metric: Metric, folds: dict[int, Fold]) -> float | None:
    """A metric of a trial: of its fold's samples as they were judged at the end, else the monitored one as trained."""
    judged = folds.get(fold_of(trial), Fold()).metrics.get(metric.name)
    return trial.best(metric) if judged is None and metric == watch.view.metric else judged


def overall(watch: StudyWatch) -> list[Overall]:
    """Each metric over all trials that have completed."""
    folds, pooled = folds_of(watch), _numbers((watch.result or {}).get("pooled"))
    trials = [trial for trial in watch.view.trials.values() if trial.status == "completed"]
    found = []
    for metric in shown_metrics(watch):
        values = [value_of(watch, trial, metric, folds) for trial in trials]
        known = [value for value in values if value is not None and math.isfinite(value)]
        between = mean_and_deviation(known)[1] if known else None
        mean, deviation = mean_over_folds(values)
        if not watch.is_folds or len(trials) != watch.total:
            deviation = None  # the correction holds for folds, and for all of them
        found.append(Overall(metric, mean, deviation, between, pooled.get(metric.name)))
    return found


def samples_of(watch: StudyWatch) -> int | None:
    """How many samples all folds have judged; None while that is not known."""
    counts = [fold.samples for fold in folds_of(watch).values()]
    return sum(each for each in counts if each is not None) if counts and None not in counts else None


def _numbers(values: Any) -> dict[str, float]:
    """The numbers among the values that a file names."""
    items = values.items() if isinstance(values, dict) else ()
    return {name: float(value) for name, value in items if type(value) in (int, float)}
