"""The metrics: each is declared here once, and everything that lists metrics reads this table.

The setting `training.monitor`, curves, charts, the panel, the report, the table of runs and the comparison derive from
it. The function that computes a metric stands in `workbench.training.metrics` under the same name: a new metric is one
declaration here and one function there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.units import decimals

TaskKind = Literal["classification", "regression", "language_modeling"]

BY_CLASS = ("precision", "recall", "f1", "support", "confusion")
"""Numbers of each class, which are stored beside the metrics: a list over the classes, confusion a square matrix."""
WEIGHTED = ("precision_weighted", "recall_weighted", "f1_weighted")
"""Means over the classes by their size, which are stored for other programs and shown nowhere."""


@dataclass(frozen=True)
class Metric:
    """One number that measures how good a model is on a split."""

    name: str
    """The key in events and summaries, and the value of `training.monitor`."""
    label: str
    """How people write it: at most 9 cells, so that it fits the table of runs with its value."""
    task: TaskKind | None = None
    """The task that has this metric; None for every task."""
    higher_is_better: bool = True
    is_fraction: bool = False
    """From 0 to 1, and shown as a percentage."""
    digits: int | None = None
    """Decimals that are shown, of the percentage for a fraction; None for four significant digits."""
    most: float | None = None
    """The largest value that it can have; None where there is none, and for a fraction, where it is 1."""
    is_curve: bool = True
    """Whether its value after each epoch is kept as a curve, and can be shown as a chart."""
    can_monitor: bool = True
    """Whether it can decide which epoch is the best."""
    is_headline: bool = False
    """Whether the line of each epoch shows it."""
    while_training: bool = False
    """Whether it is also measured on the training samples as they are trained on."""
    least_classes: int = 0
    """With fewer classes it is meaningless, and absent."""
    least_samples: int = 1
    """With fewer samples it is not defined, whatever they are."""
    needs_all_scores: bool = False
    """Whether it needs the scores of all samples at once; absent where they are too many to be kept."""

    def fits(self, task: str, outputs: int) -> bool:
        """Whether a task of this kind with this number of outputs (classes, for a classification) has this metric."""
        return self.task in (None, task) and (task != "classification" or outputs >= self.least_classes)

    def rank(self, value: float) -> float:
        """The value, negated where lower is better: the higher the rank, the better."""
        return value if self.higher_is_better else -value

    @property
    def unit(self) -> str:
        """What follows its number, with a blank before it; empty for a plain number."""
        return " %" if self.is_fraction else ""

    def write(self, value: float) -> str:
        """The value as people read it, with its unit; nan without one."""
        return "nan" if math.isnan(value) else f"{self.number(value)}{self.unit}"

    def number(self, value: float) -> str:
        """The value as people read it, without its unit."""
        if math.isnan(value):
            return "nan"
        if self.is_fraction:
            return f"{100 * value:.{2 if self.digits is None else self.digits}f}"
        if self.name == "loss":
            return decimals(value)
        return f"{value:.4g}" if self.digits is None else f"{value:.{self.digits}f}"


METRICS: list[Metric] = [
    Metric("loss", "loss", higher_is_better=False, is_headline=True, while_training=True),
    Metric("accuracy", "accuracy", "classification", is_fraction=True, is_headline=True, while_training=True),
    Metric("f1_macro", "F1", "classification", is_fraction=True),
    Metric("precision_macro", "precision", "classification", is_fraction=True, is_curve=False, can_monitor=False),
    Metric("recall_macro", "recall", "classification", is_fraction=True, is_curve=False, can_monitor=False),
    Metric("roc_auc", "ROC AUC", "classification", digits=4, most=1.0, least_samples=2, needs_all_scores=True),
    Metric("mcc", "MCC", "classification", digits=4, most=1.0),
    Metric("top5_accuracy", "top-5", "classification", is_fraction=True, least_classes=6),
    Metric("rmse", "RMSE", "regression", higher_is_better=False, is_headline=True),
    Metric("mae", "MAE", "regression", higher_is_better=False),
    Metric("r2", "R²", "regression", digits=3, most=1.0, least_samples=2, is_headline=True),
    Metric("token_accuracy", "token acc", "language_modeling", is_fraction=True, is_headline=True, while_training=True),
    Metric("perplexity", "PPL", "language_modeling", higher_is_better=False),
    Metric("bits_per_byte", "bits/byte", "language_modeling", higher_is_better=False, digits=4, is_headline=True),
]
"""All metrics, in the order in which they can be chosen."""


def metric(name: str) -> Metric:
    """The metric of that name; for a name that is not declared, one that is shown as a plain number."""
    return next((each for each in METRICS if each.name == name), Metric(name, name))


def metrics_for(task: str, outputs: int) -> list[Metric]:
    """The metrics of a task of this kind with this number of outputs."""
    return [each for each in METRICS if each.fits(task, outputs)]


def monitor_names() -> list[str]:
    """What `training.monitor` takes besides auto."""
    return [each.name for each in METRICS if each.can_monitor]


def keeps_curve(name: str) -> bool:
    """Whether the values of a metric after each epoch are kept as a curve; also of one that is not declared."""
    return name not in (*BY_CLASS, *WEIGHTED) and metric(name).is_curve


def headline_metrics(monitor: str = "") -> list[Metric]:
    """The metrics that a line about an epoch shows: the main ones, and the one that tells the best epoch."""
    return [each for each in METRICS if each.is_headline or each.name == monitor]


def in_reading_order() -> list[Metric]:
    """All metrics as a list of results shows them: of classes or tokens, then the loss, then those of numbers."""
    ranks: dict[TaskKind | None, int] = {"classification": 0, "language_modeling": 0, None: 1, "regression": 2}
    return sorted(METRICS, key=lambda each: ranks[each.task])


def written(values: Mapping[str, Any], shown: Iterable[Metric] | None = None) -> Iterator[tuple[str, str]]:
    """Label and value of each metric that `values` holds, in reading order or in that of `shown`.

    A loss that is None was not finite and is shown as nan; any other metric that is None is left out.
    """
    for each in in_reading_order() if shown is None else shown:
        value = values.get(each.name)
        if value is not None:
            yield each.label, each.write(value)
        elif each.name == "loss" and "loss" in values:
            yield each.label, "nan"


def written_with_own(values: Mapping[str, Any], shown: Iterable[Metric] | None = None) -> Iterator[tuple[str, str]]:
    """As `written`; last the metrics of a loop of the user's own that are not declared, under their own names."""
    yield from written(values, shown)
    yield from ((name, metric(name).write(value)) for name, value in undeclared(values).items())


def undeclared(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among the values that are no declared metric."""
    known = {each.name for each in METRICS} | {*BY_CLASS, *WEIGHTED}
    return {
        name: value
        for name, value in values.items()
        if name not in known and isinstance(value, int | float) and not isinstance(value, bool)
    }
