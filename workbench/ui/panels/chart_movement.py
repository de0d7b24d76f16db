"""A chart as keys and the mouse move in it: cursor, curve in front, zoom, pan.

It changes nothing itself but tells the screen, which changes the view that all charts share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.ui.look.chart import Drawing
from workbench.ui.panels.chart_curves import ChartCurves, ChartView
from workbench.ui.panels.panel import Panel


class MovableChart(Panel):
    """A chart that has a cursor, and answers to the mouse."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("shift+left", "move(-10)", show=False),
        Binding("shift+right", "move(10)", show=False),
        Binding("pageup", "screen.turn_charts(-1)", show=False),
        Binding("pagedown", "screen.turn_charts(1)", show=False),
        Binding("up", "front(-1)", show=False),
        Binding("down", "front(1)", show=False),
        Binding("home", "jump(0)", show=False),
        Binding("end", "jump(1)", show=False),
        Binding("escape", "no_cursor", show=False),
        Binding("enter", "maximise", show=False),
    ]

    class Maximise(Message):
        """The user maximises this chart, or restores the others."""

    class CursorMoved(Message):
        """The user moves the cursor of all charts; None: removes it."""

        def __init__(self, x: float | None) -> None:
            self.x = x
            super().__init__()

    class FrontChosen(Message):
        """The user brings a curve to the front in all charts that have it; no name: the usual order."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    class Wheel(Message):
        """The user turns the wheel over a chart: zooms in (1) or out (-1) at an x, or pans left (-1) or right (1)."""

        def __init__(self, direction: int, x: float, *, pans: bool) -> None:
            self.direction, self.x, self.pans = direction, x, pans
            super().__init__()

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._view = ChartView()
        self._curves: ChartCurves | None = None
        """What is drawn; None: nothing."""
        self._drawing = Drawing([])

    def action_move(self, columns: int) -> None:
        """Moves the cursor. It first appears at the left, or at the latest step if it is moved to the left."""
        drawing = self._drawing
        if not drawing.columns:
            return
        if self._view.cursor is not None:
            self._put_cursor(drawing.x_of(drawing.column_of(self._view.cursor) + columns))
        elif columns < 0 and self._curves is not None:
            self._put_cursor(min(self._curves.extent.done, self._curves.x_range[1]))
        else:
            self._put_cursor(drawing.x_of(0))

    def _put_cursor(self, x: float | None) -> None:
        if x is not None and self._curves is not None:
            first, last = self._curves.extent.whole
            x = min(max(x, first), last)
        self._view = replace(self._view, cursor=x)  # the next key may come before the charts are drawn again
        self.post_message(self.CursorMoved(x))

    def action_jump(self, end: int) -> None:
        """Puts the cursor where the data begin (0) or end (1)."""
        if self._curves is not None and self._drawing.columns:
            first, last = self._drawing.x_range
            half_column = (last - first) / self._drawing.columns / 2
            self._put_cursor(self._curves.extent.end if end else self._curves.extent.whole[0] + half_column)

    def action_front(self, direction: int) -> None:
        """Brings the next curve (1) or the one before (-1) to the front; after the last one, none."""
        if self._curves is not None:
            names = ["", *self._curves.names]
            self._put_in_front(names[(names.index(self._curves.front) + direction) % len(names)])

    def _put_in_front(self, name: str) -> None:
        self._view = replace(self._view, front=name)
        self.post_message(self.FrontChosen(name))

    def action_no_cursor(self) -> None:
        """Removes the cursor, then the choice of the curve in front. Without either, the key is the screen's."""
        if self._view.cursor is not None:
            self._put_cursor(None)
        elif self._view.front:
            self._put_in_front("")
        else:
            raise SkipAction

    def action_maximise(self) -> None:
        """Asks to be maximised."""
        self.post_message(self.Maximise())

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there."""
        if (x := self._x_at(event)) is not None:
            self._put_cursor(x)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in; with shift or ctrl it pans."""
        self._turn(event, 1, pans=False)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out; with shift or ctrl it pans."""
        self._turn(event, -1, pans=False)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """A wheel that goes sideways pans."""
        self._turn(event, -1, pans=True)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """A wheel that goes sideways pans."""
        self._turn(event, 1, pans=True)

    def _turn(self, event: events.MouseEvent, direction: int, *, pans: bool) -> None:
        if (x := self._x_at(event)) is not None:
            event.stop()
            if event.shift or event.ctrl:
                direction, pans = -direction, True
            self.post_message(self.Wheel(direction, x, pans=pans))

    def _x_at(self, event: events.MouseEvent) -> float | None:
        """The x under the mouse; None beside the canvas."""
        column = event.x - 2 - self._drawing.left
        return self._drawing.x_of(column) if 0 <= column < self._drawing.columns else None
