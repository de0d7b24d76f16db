"""The numbers of a heat map: one metric of each layer at each look, and the scale of their shades."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.runs.layer_history import LayerHistory, LayerMetricName

ROUND = (5, 2, 1)
"""The scale ends at these times a power of ten."""


@dataclass(frozen=True)
class LayerMetric:
    """A metric of layers, and how it is shown."""

    name: LayerMetricName
    title: str
    is_fraction: bool = False
    """Shaded from 0 to 100 %; otherwise by its logarithm, over the range of all layers and looks."""

    def write(self, value: float) -> str:
        """A value as people read it."""
        return f"{100 * value:.0f} %" if self.is_fraction else f"{value:.3g}"


LAYER_METRICS = (
    LayerMetric("gradient", "gradient norm"),
    LayerMetric("weight", "weight norm"),
    LayerMetric("activation", "dead or saturated", is_fraction=True),
)


@dataclass(frozen=True)
class HealthMap:
    """What a heat map shows."""

    metric: LayerMetric
    steps: Sequence[int]
    """Of the looks, in order."""
    values: Mapping[str, Sequence[float | None]]
    """By layer, in the order of the model: its value at each look; None where the look did not list it."""
    words: Mapping[str, str]
    """The layers in trouble at the latest look, and in which."""
    low: float
    high: float
    """The values of the weakest and the strongest shade."""

    @classmethod
    def of(cls, layers: LayerHistory, metric: LayerMetric, words: Mapping[str, str]) -> HealthMap:
        """The present state of a history."""
        values = {name: layers.values(metric.name, name) for name in layers.names(metric.name)}
        positive = [value for row in values.values() for value in row if value]
        low, high = (0.0, 1.0) if metric.is_fraction or not positive else (_below(min(positive)), _above(max(positive)))
        return cls(metric, [bucket.last_step for bucket in layers.looks.buckets], values, words, low, high)

    def fraction(self, value: float) -> float:
        """Where a value lies on the scale, 0 to 1; zero has the weakest shade."""
        if self.metric.is_fraction:
            return value
        if value <= self.low:
            return 0.0
        return math.log(value / self.low) / math.log(self.high / self.low)


def _below(value: float) -> float:
    """The largest round number that is not above a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((times * power for times in ROUND if times * power <= value), power)


def _above(value: float) -> float:
    """The smallest round number above a positive value: a scale has to span something."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(times * power for times in (*reversed(ROUND), 10) if times * power > value)
