"""The arithmetic of the comparison: best so far, time to a loss, regret, medians over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Curve = Sequence[Sequence[float]]
"""Pairs of seconds and the lowest loss so far, where it falls."""

WITHIN = 0.1
"""Of the reference loss, above it: what counts as reached."""


@dataclass(frozen=True)
class Value:
    """The validation loss of a trial after an epoch, and when it was known."""

    seconds: float
    loss: float
    trial: int | str
    settings: Mapping[str, Any]


def best_of(values: Sequence[Value]) -> Value | None:
    """The value with the lowest loss, the earliest of equal ones; None where no loss is finite."""
    finite = [value for value in values if math.isfinite(value.loss)]
    return min(finite, key=lambda value: (value.loss, value.seconds), default=None)


def curve(values: Sequence[Value]) -> list[tuple[float, float]]:
    """The best so far."""
    found: list[tuple[float, float]] = []
    for value in sorted(values, key=lambda value: value.seconds):
        if math.isfinite(value.loss) and (not found or value.loss < found[-1][1]):
            found.append((value.seconds, value.loss))
    return found


def time_to(found: Curve, target: float) -> float:
    """Seconds until the loss is at most `target`; infinity where it never is."""
    return next((seconds for seconds, loss in found if loss <= target), math.inf)


def loss_at(found: Curve, seconds: float) -> float:
    """The lowest loss after so many seconds; infinity before the first."""
    return min((loss for at, loss in found if at <= seconds), default=math.inf)


def regret_at(found: Curve, seconds: float, reference: float) -> float:
    """How far the loss is above the reference; below 0 where it is better."""
    return loss_at(found, seconds) - reference


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median, the upper one, by linear interpolation; values may be infinite."""
    ordered = sorted(values)
    return _at(ordered, 0.25), _at(ordered, 0.5), _at(ordered, 0.75)


def _at(ordered: Sequence[float], part: float) -> float:
    low, rest = divmod(part * (len(ordered) - 1), 1)
    first = ordered[int(low)]
    if rest == 0 or math.isinf(first):
        return first
    return first + rest * (ordered[int(low) + 1] - first)
