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

    def put_up(self, up: Sequence[Quantity], columns: int) -> None:
        """Puts the charts of these quantities in order, in that many columns; the last one fills its row."""
        for place, quantity in enumerate(up):
            chart = self.make(quantity)
            if self.children[place] is not chart:
                self.move_child(chart, before=place)
            is_last = place == len(up) - 1
            chart.styles.column_span = columns - place % columns if is_last else 1
        self.styles.grid_size_columns = columns

    def show_alone(self) -> None:
        """Gives all of the room to one chart, whichever is up."""
        for chart in self.query_children(ChartPanel):
            chart.styles.column_span = 1
        self.styles.grid_size_columns = 1

    def make(self, quantity: Quantity) -> ChartPanel:
        """The panel of a quantity, hidden at first if there was none."""
        for chart in self.query_children(ChartPanel):
            if chart.id == quantity.id:
                return chart
        chart = ChartPanel(quantity)
        chart.display = False
        self.mount(chart)
        return chart
