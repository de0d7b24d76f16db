"""The learning rate of a loop's optimizer: reads it, and sets it where somebody asks."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

CLOSE = 1e-6
"""Relative difference below which two rates are the same."""
MOST_CHANGES = 10_000
"""Changes of the rate that are kept: of steps whose losses are still on their way from the device."""


class OptimizerRate:
    """The learning rate of the first of an optimizer's parameter groups; the others keep their ratios to it."""

    def __init__(self, optimizer: Any = None) -> None:
        """optimizer: of torch.optim, or anything with `param_groups`; None if the loop gives none."""
        self._optimizer = optimizer
        self._asked: float | None = None

    @property
    def now(self) -> float | None:
        """The present rate; None if it is not known, or could only be read by waiting for the device."""
        groups = getattr(self._optimizer, "param_groups", None)
        value = groups[0].get("lr") if groups else None
        if getattr(getattr(value, "device", None), "type", "cpu") != "cpu":
            return None
        try:
            rate = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        return rate if math.isfinite(rate) else None

    def set(self, value: float | None) -> str | None:
        """Sets the rate of the next step; returns why not, or None."""
        if value is None or not math.isfinite(value) or value < 0:
            return "a learning rate is a number from 0 up"
        before = self.now
        if before is None:
            return "the loop's optimizer is not known here: workbench.watch(..., optimizer=optimizer)"
        for group in self._optimizer.param_groups:
            rate = value * (float(group["lr"]) / before) if before else value
            if hasattr(group["lr"], "fill_"):
                group["lr"].fill_(rate)  # a tensor, which a captured step reads
            else:
                group["lr"] = rate
        self._asked = value
        return None

    def overruled(self) -> float | None:
        """The rate that the loop's own scheduler has set instead of the one asked for; None if it has not. Once."""
        asked, now = self._asked, self.now
        if asked is None or now is None:
            return None
        self._asked = None
        return None if math.isclose(now, asked, rel_tol=CLOSE, abs_tol=1e-12) else now


class StepRates:
    """The learning rates of the last steps: a loss is reported later than its step, which had another rate."""

    def __init__(self) -> None:
        self._changes: deque[tuple[int, float | None]] = deque(maxlen=MOST_CHANGES)
        """The first step with a rate, and the rate."""

    def take(self, step: int, rate: float | None) -> None:
        """Notes with which rate a step updated the model."""
        if not self._changes or self._changes[-1][1] != rate:
            self._changes.append((step, rate))

    def at(self, step: int) -> float | None:
        """The rate of a step; None if it is not known."""
        return next((rate for first, rate in reversed(self._changes) if first <= step), None)
