"""The curve of a range test: the median loss of the seeds against the learning rate, within its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from workbench.plotting.points import Point
from workbench.ui.look.chart import Plot, Series, draw
from workbench.ui.panels.panel import LineWidget


@dataclass(frozen=True)
class RangeCurve:
    """What is drawn; all sequences have the same length."""

    rates: Sequence[float]
    median: Sequence[float]
    lowest: Sequence[float]
    highest: Sequence[float]
    swept: tuple[float, float]
    """The lowest and the highest rate of the sweep: the curve ends where the loss diverges."""
    marks: Sequence[tuple[float, str]] = ()
    """(rate, letter) on the axis."""
    selected: float | None = None
    """The rate of the mark that is selected."""


class RangeCurveView(LineWidget, can_focus=True):
    """Draws the curve on a logarithmic axis of rates."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._curve: RangeCurve | None = None

    def show(self, curve: RangeCurve) -> None:
        """Shows a curve instead of the one before."""
        self._curve = curve
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        curve = self._curve
        if curve is None:
            return []
        plot = Plot(
            series=self._series(curve),
            x_range=(math.log10(curve.swept[0]), math.log10(curve.swept[1])),
            x_label=lambda power: _written(10.0**power),
            y_label=lambda loss: f"{loss:.3g}",
            marks=[(math.log10(rate), letter) for rate, letter in curve.marks],
            cursor=None if curve.selected is None else math.log10(curve.selected),
            ascii=self.glyphs.ascii,
        )
        return draw(plot, width, height, self.style_of).lines

    def _series(self, curve: RangeCurve) -> list[Series]:
        xs = [math.log10(rate) for rate in curve.rates]
        middle = Series("train", [Point(x, loss, loss, loss) for x, loss in zip(xs, curve.median, strict=True)])
        if self.app.no_color:  # a band would hide the median
            edges = [[Point(x, loss, loss, loss) for x, loss in zip(xs, losses, strict=True)]
                     for losses in (curve.lowest, curve.highest)]  # fmt: skip
            return [*(Series("dim", edge, ":", dashed=True) for edge in edges), middle]
        extents = zip(xs, curve.lowest, curve.highest, strict=True)
        return [Series("dim", [Point(x, low, high, low) for x, low, high in extents], ":", behind=True), middle]


def _written(rate: float) -> str:
    """A power of ten as people write it: 1e-7, 0.001, 10."""
    text = f"{rate:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return text if rate < 1e-3 or rate > 1000 else f"{rate:g}"
