"""The bars of a trial: epochs after which it pauses, unless its best value so far is good enough to go on at once."""

from __future__ import annotations

from workbench.metrics import Metric
from workbench.runs.control import Request


class EpochBars:
    """What was told last holds. An epoch is judged once: a bar that was beaten is not raised afterwards."""

    def __init__(self, metric: Metric) -> None:
        """metric: the monitored one."""
        self._metric = metric
        self._bars: dict[int, float | None] = {}
        self._passed: set[int] = set()

    def tell(self, request: Request) -> str | None:
        """Takes the bars of a request; returns why it is refused, or None."""
        if not request.bars:
            return "it takes epochs, each with the value to beat"
        self._bars = dict(request.bars)
        return None

    def is_due(self, epoch: int, best: float | None) -> bool:
        """Whether training pauses at the end of this epoch.

        best: the best value so far, as `training.early_stopping_min_delta` counts; None where there is none.
        """
        due = {at: bar for at, bar in self._bars.items() if at <= epoch and at not in self._passed}
        self._passed |= due.keys()
        rank = self._metric.rank
        return any(bar is None or best is None or rank(best) <= rank(bar) for bar in due.values())
