"""The numbers of a heat map: one quantity of each layer at each look, and the scale of their shades."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.runs.layer_history import LayerHistory, LayerQuantity

ROUND = (5, 2, 1)
"""The scale ends at these times a power of ten."""


@dataclass(frozen=True)
class ShownQuantity:
    """A quantity of layers, and how it is shown."""

    quantity: LayerQuantity
    title: str
    is_fraction: bool = False
    """Shaded from 0 to 100 %; otherwise by its logarithm, over the range of all layers and looks."""

    def write(self, value: float) -> str:
        """A value as people read it."""
        return f"{100 * value:.0f} %" if self.is_fraction else f"{value:.3g}"


QUANTITIES = (
    ShownQuantity("gradient", "gradient norm"),
    ShownQuantity("weight", "weight norm"),
    ShownQuantity("activation", "dead or saturated", is_fraction=True),
)


@dataclass(frozen=True)
class HealthMap:
    """What a heat map shows."""

    shown: ShownQuantity
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
    def of(cls, layers: LayerHistory, shown: ShownQuantity, words: Mapping[str, str]) -> HealthMap:
        """The present state of a history."""
        values = {name: layers.values(shown.quantity, name) for name in layers.names(shown.quantity)}
        positive = [value for row in values.values() for value in row if value]
        low, high = (0.0, 1.0) if shown.is_fraction or not positive else (_below(min(positive)), _above(max(positive)))
        return cls(shown, [bucket.last_step for bucket in layers.looks.buckets], values, words, low, high)

    def fraction(self, value: float) -> float:
        """Where a value lies on the scale, 0 to 1; zero has the weakest shade."""
        if self.shown.is_fraction:
            return value
        if value <= self.low:
            return 0.0
        return math.log(value / self.low) / math.log(self.high / self.low)


def _below(value: float) -> float:
    """The largest round number that is not above a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((times * power for times in ROUND if times * power <= value), power)


def _above(value: float) -> float:
    """The smallest round number above a positive value, or equal to it but for the scale having to span something."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(times * power for times in (*reversed(ROUND), 10) if times * power > value)
