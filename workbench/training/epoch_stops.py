"""Epochs after which training was asked to stop, in any case or unless it does well enough."""

from __future__ import annotations

from workbench.metrics import Metric
from workbench.runs.control import Request


class EpochStops:
    """Requests to stop after an epoch. Of those that name a value to beat, one that is not beaten is enough."""

    def __init__(self, metric: Metric) -> None:
        """metric: the monitored one."""
        self._metric = metric
        self._asked: list[tuple[float, float | None]] = []
        """Epochs, and what the best value must beat for training to go on; None: it stops in any case."""

    def ask(self, request: Request) -> str | None:
        """Stops at the end of that epoch, or of the present one if that is later, so that training can be resumed."""
        if request.value is None or request.value < 1:
            return "it takes the number of an epoch, from 1"
        self._asked.append((request.value, request.unless))
        return None

    def is_due(self, epoch: int, best: float | None) -> bool:
        """Whether training stops at the end of this epoch. best: the best value so far; None where there is none."""
        due = [unless for asked, unless in self._asked if asked <= epoch]
        self._asked = [(asked, unless) for asked, unless in self._asked if asked > epoch]
        rank = self._metric.rank
        return any(unless is None or best is None or rank(best) <= rank(unless) for unless in due)
