"""The charts of the main screen: loss, a metric that a key chooses, learning rate and throughput."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.metrics import METRICS, Metric, metric
from workbench.plotting.quantities import LEARNING_RATE, LOSS, THROUGHPUT, Quantity, quantity_of
from workbench.runs.curve import Curve
from workbench.ui.panels.charts import ChartPanel

METRIC_CHART = "accuracy"
"""The id of the chart that shows a metric, whichever metric that is."""


class MetricChart(ChartPanel):
    """One metric of the run's task: accuracy or R² at first; a key shows the next one that has a curve."""

    KEYS = (*ChartPanel.KEYS, ("b", "next metric"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "next_metric", show=False)]

    def __init__(self) -> None:
        super().__init__(quantity_of(metric("accuracy"), METRIC_CHART))
        self._place = 0
        """Place of the metric shown in `_metrics()`."""

    @property
    def quantity(self) -> Quantity:
        """The metric shown."""
        shown = self._metrics()
        return quantity_of(shown[self._place % len(shown)], METRIC_CHART)

    def _metrics(self) -> list[Metric]:
        """The metrics of the run's task that can be shown; first those of which higher values are better.

        The first one always can; each other one if the run has a curve of it.
        """
        prepared = None if self._history is None else self._history.view.prepared
        task = "classification" if prepared is None else prepared.task
        own = sorted(
            (each for each in METRICS if each.task == task and each.is_curve),
            key=lambda each: not each.higher_is_better,
        )
        curves = {} if self._history is None else self._history.curves
        if task:
            found = own[:1] + [each for each in own[1:] if f"{each.name}/validation" in curves]
        else:  # a loop of the user's own: whatever it has reported
            found = [
                each for each in METRICS if each.is_curve and each.name != "loss" and _has_curve(each.name, curves)
            ]
        return [*found, *(metric(name) for name in _undeclared(curves))] or [metric("accuracy")]

    def action_next_metric(self) -> None:
        """Shows the next metric."""
        self._place = (self._place + 1) % len(self._metrics())
        self.redraw()


def _has_curve(name: str, curves: Mapping[str, Curve]) -> bool:
    return any(f"{name}/{split}" in curves for split in ("train", "validation"))


def _undeclared(curves: Mapping[str, Curve]) -> list[str]:
    """The names of a loop's own metrics, in the order in which they came."""
    names = dict.fromkeys(key.rpartition("/")[0] for key in curves if key.endswith(("/train", "/validation")))
    known = {each.name for each in METRICS}
    return [name for name in names if name not in known]


def chart_panels() -> list[ChartPanel]:
    """The four charts; the last two are shown on request."""
    return [ChartPanel(LOSS), MetricChart(), ChartPanel(LEARNING_RATE), ChartPanel(THROUGHPUT)]
