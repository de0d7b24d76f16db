"""The thresholds of a trial: epochs after which it pauses, unless its best value so far is better than a given one."""

from __future__ import annotations

from workbench.metrics import Metric
from workbench.runs.control import Request


class EpochThresholds:
    """The last request holds. A threshold is compared once: what was passed is not compared with a later request's."""

    def __init__(self, metric: Metric) -> None:
        """metric: the monitored one."""
        self._metric = metric
        self._thresholds: dict[int, float | None] = {}
        self._passed: set[int] = set()

    def tell(self, request: Request) -> str | None:
        """Takes the thresholds of a request; returns why it is refused, or None."""
        if not request.thresholds:
            return "it takes epochs, each with the value to beat"
        self._thresholds = dict(request.thresholds)
        return None

    def is_due(self, epoch: int, best: float | None) -> bool:
        """Whether training pauses at the end of this epoch.

        best: the best value so far, by `training.early_stopping_min_delta`; None if there is none yet.
        """
        due = {at: value for at, value in self._thresholds.items() if at <= epoch and at not in self._passed}
        self._passed |= due.keys()
        rank = self._metric.rank
        return any(value is None or best is None or rank(best) <= rank(value) for value in due.values())
