"""The gradients, weights and activations of each layer over time, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from workbench.runs.curve import Curve
from workbench.runs.measurements import Health

LayerMetricName = Literal["gradient", "weight", "activation"]
"""The norm of a parameter's gradient; the norm of the parameter; the dead or saturated fraction of an activation."""
MOST_LOOKS = 128
"""Looks that are kept apart; neighbours of more are averaged."""
MOST_LAYERS = 256


class LayerHistory:
    """What the looks at a network's health have found."""

    def __init__(self) -> None:
        self.looks = Curve(MOST_LOOKS)
        """The steps of the looks: a layer's curve has no bucket for a look that did not list it."""
        self.curves: dict[LayerMetricName, dict[str, Curve]] = {"gradient": {}, "weight": {}, "activation": {}}
        """By metric, and by the name of the parameter or activation."""
        self._places: dict[str, int | None] = {}
        """Where each stands in the model; None in looks of older versions."""

    def take(self, health: Health, seconds: float) -> None:
        """Adds a look. seconds: training time."""
        self.looks.add(health.step, health.step, seconds)
        for row in health.tensors:
            self._add("gradient", row, row.get("gradient_norm"), health.step, seconds)
            self._add("weight", row, row.get("weight_norm"), health.step, seconds)
        for row in health.layers:
            self._add("activation", row, row.get("dead_share", row.get("saturated_share")), health.step, seconds)

    def _add(self, metric: LayerMetricName, row: Mapping[str, Any], value: object, step: int, seconds: float) -> None:
        name, curves = row["name"], self.curves[metric]
        if not isinstance(value, int | float) or (name not in curves and len(curves) >= MOST_LAYERS):
            return
        curves.setdefault(name, Curve(MOST_LOOKS)).add(step, value, seconds)
        self._places[name] = row.get("place")

    def names(self, metric: LayerMetricName) -> list[str]:
        """The names of all layers that have the metric, in the order of the model."""
        return sorted(self.curves[metric], key=lambda name: (self._places.get(name) or 0, _natural(name)))

    def values(self, metric: LayerMetricName, name: str) -> list[float | None]:
        """The mean of a layer at each of the looks; None where it was not listed, or not finite."""
        buckets, place = self.curves[metric][name].buckets, 0
        found: list[float | None] = []
        for look in self.looks.buckets:
            while place < len(buckets) and buckets[place].last_step < look.first_step:
                place += 1
            is_there = place < len(buckets) and buckets[place].first_step <= look.last_step and buckets[place].count
            found.append(buckets[place].mean if is_there else None)
        return found

    def truncate(self, after_step: int) -> None:
        """Forgets the looks after a step: a resumed run trains these steps again."""
        self.looks.truncate(after_step)
        for curves in self.curves.values():
            for curve in curves.values():
                curve.truncate(after_step)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts layers.10 behind layers.9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
