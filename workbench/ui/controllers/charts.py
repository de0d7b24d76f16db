"""How the charts are shown: scales, x axis, smoothing, the part of it that is in view, the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast, get_args

from workbench.runs.history import RunHistory
from workbench.ui.controllers.host import Host
from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.chart_curves import MOST_SMOOTHING, ChartView
from workbench.ui.panels.chart_window import PAN, Extent, Range, Window, panned, zoomed
from workbench.ui.panels.x_axis import XAxis, converted

SMOOTHING_STEP = 0.1
ZOOM, WHEEL_ZOOM = 2.0, 1.25
"""Factors of a key and of a notch of the wheel."""
WHEEL_PAN = 0.05
"""Of the width, by which a notch of the wheel moves the window."""
Shown = Callable[[], tuple[RunHistory | None, Sequence[RunHistory]]]
"""Returns the run in the charts, and those that it overlays."""


class ChartsController:
    """Changes the view of all charts, and remembers it for the next start."""

    def __init__(self, remembered: Remembered, host: Host, runs: Shown) -> None:
        self._remembered = remembered
        self._host = host
        self._runs = runs
        self._watched = ""
        x_axis = cast(XAxis, remembered.x_axis) if remembered.x_axis in get_args(XAxis) else "step"
        self.view = ChartView(
            smoothing=remembered.smoothing,
            log=remembered.log,
            unlike=frozenset(remembered.log_unlike),
            x_axis=x_axis,
            all_values=remembered.all_values,
        )

    def toggle_log(self, title: str | None) -> None:
        """Switches between the logarithmic and the linear scale. title: of one chart; None: of all."""
        if title is None:
            self._change(replace(self.view, log=not self.view.log, unlike=frozenset()))
        else:
            self._change(replace(self.view, unlike=self.view.unlike ^ {title}))

    def toggle_all_values(self) -> None:
        """Shows outliers too, or leaves them out again."""
        self._change(replace(self.view, all_values=not self.view.all_values))

    def next_x_axis(self) -> None:
        """Switches to the next of step, epoch and time. Window and cursor stay at the same moments of the run."""
        axes, axis = get_args(XAxis), self.view.x_axis
        to = axes[(axes.index(axis) + 1) % len(axes)]
        own, overlays = self._runs()
        history = own or next(iter(overlays), None)

        def same(x: float) -> float:
            return x if history is None else converted(x, axis, to, history)

        window, cursor = self.view.window, self.view.cursor
        if window is not None:
            window = Window(same(window.first), same(window.last), window.follows)
        self._change(replace(self.view, x_axis=to, window=window, cursor=None if cursor is None else same(cursor)))

    def smooth(self, direction: int) -> None:
        """Smooths the curves less (-1) or more (1)."""
        smoothing = min(max(round(self.view.smoothing + direction * SMOOTHING_STEP, 2), 0.0), MOST_SMOOTHING)
        self._change(replace(self.view, smoothing=smoothing))

    # The part that is shown.

    def zoom(self, direction: int) -> None:
        """Shows less (1) or more (-1) of the x axis. The cursor keeps its place, else the end of the run."""
        found = self._in_view()
        if found is None or (direction < 0 and self._is_whole()):
            return
        (first, last), extent = found
        cursor = self.view.cursor
        anchors = ([] if cursor is None else [cursor]) + [extent.done, (first + last) / 2]
        at = next(x for x in anchors if first <= x <= last)
        self._show(zoomed((first, last), extent, ZOOM**direction, at))

    def pan(self, direction: int) -> None:
        """Moves the part that is shown to the left (-1) or right (1)."""
        if self._in_view() is not None and not self._is_whole():
            self._pan(direction * PAN)

    def wheel(self, direction: int, x: float, *, pans: bool) -> None:
        """Zooms in (1) or out (-1) at an x, or pans left (-1) or right (1)."""
        found = self._in_view()
        if pans:
            self._pan(direction * WHEEL_PAN)
        elif found is not None:
            self._show(zoomed(*found, WHEEL_ZOOM**direction, x))

    def show_whole(self) -> None:
        """Shows all of the x axis."""
        self._show(None)

    def put_cursor(self, x: float | None) -> None:
        """Puts the cursor at an x, and moves the window there. None: removes the cursor."""
        self.view = replace(self.view, cursor=x)
        found = self._in_view()
        if x is not None and found is not None:
            (first, last), extent = found
            beyond = min(x - first, 0.0) + max(x - last, 0.0)
            if beyond:
                self.view = replace(self.view, window=panned((first, last), extent, beyond))
        self._host.redraw_charts()

    def put_in_front(self, name: str) -> None:
        """Brings the curve of that name to the front; no name: the usual order."""
        self.view = replace(self.view, front=name)
        self._host.redraw_charts()

    def watch(self, run: str) -> None:
        """Forgets window, cursor and the curve in front where another run is shown than before."""
        if run != self._watched:
            self._watched = run
            self.view = replace(self.view, window=None, cursor=None, front="")

    def _is_whole(self) -> bool:
        """Whether all of the x axis is in view; then it says so."""
        if self.view.window is None:
            self._host.say("the charts show the whole range: + zooms in")
        return self.view.window is None

    def _in_view(self) -> tuple[Range, Extent] | None:
        """What is shown, and what there is to see; None without a run."""
        history, overlays = self._runs()
        if history is None and not overlays:
            return None
        extent = self.view.extent(history or RunHistory(), overlays)
        return self.view.shown(extent), extent

    def _pan(self, part: float) -> None:
        if (found := self._in_view()) is not None:
            (first, last), extent = found
            self._show(panned((first, last), extent, part * (last - first)))

    def _show(self, window: Window | None) -> None:
        if window != self.view.window:
            self.view = replace(self.view, window=window)
            self._host.redraw_charts()

    def _change(self, view: ChartView) -> None:
        self.view = view
        habits = self._remembered
        habits.log, habits.smoothing, habits.x_axis = view.log, view.smoothing, view.x_axis
        habits.log_unlike, habits.all_values = sorted(view.unlike), view.all_values
        self._host.redraw_charts()
