"""Which panels of the main screen are up: pages on a small screen, one panel maximised, all of them on a wide one."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import Screen
from textual.widget import Widget

from workbench.ui.live.chart_choice import ChartChoice
from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.advice import AdvicePanel
from workbench.ui.panels.chart_grid import ChartGrid
from workbench.ui.panels.layout import (
    BELOW_CHARTS,
    CHART_COUNTS,
    NARROW,
    PAGES,
    arrange,
    chart_columns,
    chart_counts,
    page_of,
    size_class,
)
from workbench.ui.panels.panel import Panel


class Pages:
    """Lays out the panels of a screen, and moves the focus to where something is shown."""

    def __init__(self, screen: Screen[None], remembered: Remembered) -> None:
        self._screen = screen
        self._remembered = remembered
        self.page = remembered.page if remembered.page in PAGES else "settings"
        """The page of a compact screen."""
        self._below = self.page if self.page in BELOW_CHARTS else "timing"
        """The page under the charts of a normal screen."""
        self._below_idle = "model"
        """The same while no run is shown: what the settings would train."""
        self.is_idle = True
        """Whether no run is shown."""
        self.has_curves = True
        """Whether the charts have anything to show."""
        self._maximised: str | None = None
        """Id of the panel that has the whole screen."""
        self.charts = ChartChoice(remembered)
        """What the charts show."""
        self.has_advice = False
        """Whether the advice panel has its place."""

    def lay_out(self) -> None:
        """Shows the panels that the screen has room for."""
        screen = self._screen
        up = self.charts.up(self._chart_count)
        grid = screen.query_one(ChartGrid)
        if self._maximised is None:
            grid.put_up(up, chart_columns(len(up), *screen.app.size) or 1)
        else:
            grid.show_alone()
        below = self._below_idle if self.is_idle else self._below
        size, maximised, charts = screen.app.size, self._maximised, [each.id for each in up]
        layout = arrange(*size, self.page, below, maximised, charts, has_curves=self.has_curves)
        classes = {f"-{layout.size}"} | ({"-maximised"} if maximised is not None else set())
        if maximised is None and "model" in layout.panels:
            classes |= {"-model"} | ({"-narrow"} if size.width < NARROW else set())
            is_alone = layout.size != "compact" and not layout.panels.intersection(charts)
            classes |= {"-alone"} if is_alone else set()
        if screen.classes != classes:
            screen.set_classes(classes)
        for panel in self.panels():
            panel.display = panel.id in layout.panels
        is_full = self._maximised is not None or layout.size == "compact"
        screen.query_one(AdvicePanel).display = self.has_advice and not is_full
        for box in ("charts", "lower"):
            container = screen.query_one(f"#{box}")
            container.display = any(child.display for child in container.children)
        screen.query_one("#right").display = screen.query_one("#charts").display or screen.query_one("#lower").display
        if not self._has_visible_focus:
            screen.call_after_refresh(self._focus_page)

    def make_room(self, *, is_idle: bool, has_curves: bool) -> None:
        """Lays out anew where a run is shown now and none was, or curves are."""
        if (self.is_idle, self.has_curves) != (is_idle, has_curves):
            self.is_idle, self.has_curves = is_idle, has_curves
            self.lay_out()

    def panels(self) -> list[Panel]:
        """The panels that take turns."""
        return [panel for panel in self._screen.query(Panel) if panel.id not in ("notice", "advice")]

    @property
    def focused_panel(self) -> Panel | None:
        """The panel that has the focus, or something inside it has."""
        focused = self._screen.focused
        return next((item for item in self.panels() if focused and item in focused.ancestors_with_self), None)

    @property
    def is_compact(self) -> bool:
        """Whether the screen has room for one page at a time."""
        return size_class(*self._screen.app.size) == "compact"

    @property
    def _has_visible_focus(self) -> bool:
        focused = self._screen.focused
        return focused is not None and all(
            item.display for item in focused.ancestors_with_self if isinstance(item, Widget)
        )

    def _focus_page(self) -> None:
        """Moves the focus to the page that is up, unless it is on something visible meanwhile."""
        if not self._has_visible_focus:
            shown = {panel.id: panel for panel in self.panels() if panel.display}
            first = next((name for name in (self._first_of(self.page), *shown) if name in shown), None)
            if first is not None:
                shown[first].focus()

    def go_to(self, page: str, *, remember: bool = True) -> None:
        """Brings up a page, and moves the focus there. remember: as the page of the next start."""
        self.page = page
        self._maximised = None
        if page in BELOW_CHARTS:
            if self.is_idle:
                self._below_idle = page
            if page != "model" or not self.is_idle:
                self._below = page
        if remember:
            self._remembered.page = page
        self.lay_out()
        self._screen.query_one(f"#{self._first_of(page)}").focus()

    def _first_of(self, page: str) -> str:
        """The id of the panel of a page that gets the focus."""
        return self.charts.up(self._chart_count)[0].id if page == "charts" else PAGES[page][0]

    def toggle_maximised(self) -> bool:
        """Gives the focused panel the whole screen, or brings the others back; False without a focused panel."""
        if self._maximised is not None:
            self._maximised = None
        else:
            panel = self.focused_panel
            if panel is None or panel.id is None:
                return False
            self._maximised = panel.id
            self.page = page_of(panel.id)
        self.lay_out()
        return True

    # The charts.

    @property
    def _chart_count(self) -> int:
        """How many charts are up at once."""
        fitting = chart_counts(*self._screen.app.size)
        return max((count for count in fitting if count <= self._remembered.chart_count), default=fitting[0])

    def next_chart_count(self) -> str:
        """Shows more charts at once, or the fewest again; says what there is no room for."""
        fitting = chart_counts(*self._screen.app.size)
        if len(fitting) == 1:
            return f"{CHART_COUNTS[1]} charts need a larger screen"
        self._remembered.chart_count = fitting[(fitting.index(self._chart_count) + 1) % len(fitting)]
        self.lay_out()
        return ""

    def turn_charts(self, direction: int) -> str:
        """Turns to the next page of charts, or the one before; of a maximised chart, to the next quantity."""
        focused = self.focused_panel
        if self._maximised is not None:
            if page_of(self._maximised) == "charts":
                chart = self.charts.next_to(self._maximised, direction)
                self._screen.query_one(ChartGrid).make(chart)
                self._maximised = chart.id
            said = ""
        else:
            said = self.charts.turn(direction, self._chart_count)
        was_at_charts = focused is not None and focused.id is not None and page_of(focused.id) == "charts"
        self.lay_out()
        if was_at_charts:
            self._screen.query_one(f"#{self._maximised or self._first_of('charts')}").focus()
        return said

    def choose_charts(self, names: Sequence[str]) -> None:
        """Shows these quantities first, as many at once as there is room for; none: the usual ones."""
        usual = [each.id for each in self.charts.quantities[: self._chart_count]]
        self.charts.choose([] if list(names) == usual else names)
        enough = [count for count in chart_counts(*self._screen.app.size) if count >= len(names)]
        if len(names) > self._chart_count:
            self._remembered.chart_count = enough[0] if enough else chart_counts(*self._screen.app.size)[-1]
        self.lay_out()

    @property
    def chosen_charts(self) -> list[str]:
        """The ids of the charts that the user chose; without a choice, of those that are up first."""
        return [each.id for each in self.charts.chosen or self.charts.quantities[: self._chart_count]]
