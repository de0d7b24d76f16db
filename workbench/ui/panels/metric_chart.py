"""The charts of the main screen: loss, a metric that a key chooses, learning rate and throughput."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.metrics import Metric, metric
from workbench.plotting.quantities import LEARNING_RATE, LOSS, THROUGHPUT, Quantity, quantity_of
from workbench.runs.quantities import METRIC_CHART, task_metrics
from workbench.ui.panels.charts import ChartPanel


class MetricChart(ChartPanel):
    """One metric of the run's task: accuracy or R² at first; a key shows the next one that has a curve."""

    KEYS = (*ChartPanel.KEYS, ("b", "next metric"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "next_metric", "next metric", show=False)]

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
        """The metrics that can be shown."""
        history = self._history
        return task_metrics(None, ()) if history is None else task_metrics(history.view.task, history.curves)

    def action_next_metric(self) -> None:
        """Shows the next metric."""
        self._place = (self._place + 1) % len(self._metrics())
        self.redraw()


def chart_panels() -> list[ChartPanel]:
    """The first four charts. The last two are shown on request; those of other quantities are made then."""
    return [ChartPanel(LOSS), MetricChart(), ChartPanel(LEARNING_RATE), ChartPanel(THROUGHPUT)]
