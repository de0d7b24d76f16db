"""Which epoch of a loop of the user's own is the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.metrics import METRICS, metric


class Best:
    """Compares epochs by one metric: the one that the user names, or the main one of those that the loop gives."""

    def __init__(self, monitor: str | None = None) -> None:
        """monitor: a declared metric; None: it is chosen when metrics come."""
        self.monitor = monitor or ""
        """Empty until it is known."""
        self.epoch: int | None = None
        """The best epoch, from 1; None before one."""
        self.validation: dict[str, Any] | None = None
        """Metrics of the best epoch; None where it had no validation."""
        self._is_given = monitor is not None
        self._rank = -math.inf
        self._by_validation = False

    def take(self, epoch: int, train: Mapping[str, float], validation: Mapping[str, Any] | None) -> bool:
        """Whether this epoch is the best so far. Once the loop validates, only validated epochs count."""
        if validation and not self._by_validation:
            self._by_validation, self._rank, self.epoch = True, -math.inf, None
            if not self._is_given:
                self.monitor = _main(validation)
        elif not self.monitor and not self._by_validation:
            self.monitor = _main(train)
        value = ((validation or {}) if self._by_validation else train).get(self.monitor)
        if value is None or math.isnan(value):
            return False
        rank = metric(self.monitor).rank(value)
        if rank <= self._rank:
            return False
        self._rank, self.epoch = rank, epoch
        self.validation = None if validation is None else dict(validation)
        return True


def _main(values: Mapping[str, Any]) -> str:
    """The metric that tells most of those that are declared, as for a preset's monitor; empty if none is."""
    known = [each for each in METRICS if each.can_monitor and each.name in values]
    known.sort(key=lambda each: (not each.is_headline, not each.higher_is_better))
    return known[0].name if known else ""
