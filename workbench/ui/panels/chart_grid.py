"""The charts side by side: a panel for each quantity that has been shown, made when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container

from workbench.plotting.quantities import Quantity
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.metric_chart import chart_panels


class ChartGrid(Container):
    """The panels of charts. Which of them are up is the layout's affair; their order is that of the page."""

    def compose(self) -> ComposeResult:
        yield from chart_panels()

    def arrange(self, up: Sequence[Quantity], columns: int) -> None:
        """Puts the charts of these quantities in order, in that many columns; the last one fills its row."""
        for place, quantity in enumerate(up):
            chart = self._chart(quantity)
            if self.children[place] is not chart:
                self.move_child(chart, before=place)
            is_last = place == len(up) - 1
            chart.styles.column_span = columns - place % columns if is_last else 1
        self.styles.grid_size_columns = columns

    def _chart(self, quantity: Quantity) -> ChartPanel:
        for chart in self.query_children(ChartPanel):
            if chart.id == quantity.id:
                return chart
        chart = ChartPanel(quantity)
        self.mount(chart)
        return chart
