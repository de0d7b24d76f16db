"""How the charts are shown: scale, x axis, smoothing, two or four of them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

from workbench.ui.controllers.host import Host
from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.chart_curves import ChartView
from workbench.ui.panels.x_axis import XAxis

SMOOTHING_STEP = 0.1


class ChartsController:
    """Changes the view of all charts, and remembers it for the next start."""

    def __init__(self, remembered: Remembered, host: Host) -> None:
        self._remembered = remembered
        self._host = host
        x_axis = cast(XAxis, remembered.x_axis) if remembered.x_axis in get_args(XAxis) else "step"
        self.view = ChartView(smoothing=remembered.smoothing, log=remembered.log, x_axis=x_axis)

    def toggle_log(self) -> None:
        """Switches between the logarithmic and the linear scale."""
        self._change(replace(self.view, log=not self.view.log))

    def next_x_axis(self) -> None:
        """Switches to the next of step, epoch and time."""
        axes = get_args(XAxis)
        self._change(replace(self.view, x_axis=axes[(axes.index(self.view.x_axis) + 1) % len(axes)]))

    def smooth(self, direction: int) -> None:
        """Smooths the curves less (-1) or more (1)."""
        smoothing = min(max(round(self.view.smoothing + direction * SMOOTHING_STEP, 2), 0.0), 0.9)
        self._change(replace(self.view, smoothing=smoothing))

    def _change(self, view: ChartView) -> None:
        self.view = view
        habits = self._remembered
        habits.log, habits.smoothing, habits.x_axis = view.log, view.smoothing, view.x_axis
        self._host.show_run()
