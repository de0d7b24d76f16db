"""The quantities of the charts: metrics, learning rate and throughput, each with its curves and number format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.metrics import METRICS, Metric, metric
from workbench.units import decimals, rate


@dataclass(frozen=True)
class Quantity:
    """The quantity of a chart: its curves, and the format of a value."""

    id: str
    title: str
    curves: tuple[tuple[str, str, str], ...]
    """(name in the legend, key in RunHistory.curves, style)."""
    write: Callable[[float], str]
    tick: Callable[[float], str]
    can_be_log: bool = True
    most: float | None = None
    metric: Metric | None = None
    """The metric that the curves show; None for learning rate, throughput and what else is measured."""
    name: str = ""
    """Its name in lists; empty: the title."""
    compared: str | None = None
    """The key of the curve that overlaid runs show; None: the last one that they have; empty: they show none."""

    @property
    def full_name(self) -> str:
        """Its name in lists."""
        return self.name or self.title

    @property
    def is_percent(self) -> bool:
        """Whether values are written as percentages."""
        return self.metric is not None and self.metric.is_fraction


def tick(value: float) -> str:
    """A number beside an axis."""
    return f"{value:g}" if abs(value) < 1e5 else f"{value:.0e}"


def _percent_tick(value: float) -> str:
    return f"{100 * value:g}" if abs(value) < 1 else f"{100 * value:.0f}"


def quantity_of(metric: Metric, id: str) -> Quantity:
    """A metric as a chart shows it: its validation curve, and its training curve if it has one."""
    is_own = metric not in METRICS  # a loop of the user's own may report it of either split
    splits = ("train", "validation") if metric.while_training or is_own else ("validation",)
    return Quantity(
        id,
        f"{metric.label}{metric.unit}",
        tuple((split, f"{metric.name}/{split}", split) for split in splits),
        metric.number if metric.is_fraction else decimals,
        _percent_tick if metric.is_fraction else tick,
        can_be_log=not metric.higher_is_better,
        most=1.0 if metric.is_fraction else metric.most,
        metric=metric,
    )


LOSS = quantity_of(metric("loss"), "loss")
LEARNING_RATE = Quantity("learning-rate", "learning rate", (("", "learning_rate", "train"),), "{:.3g}".format, tick)
THROUGHPUT = Quantity("throughput", "samples/s", (("", "samples_per_second", "train"),), rate, rate)
