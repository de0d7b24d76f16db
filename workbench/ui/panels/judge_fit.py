"""How well numbers are predicted: predicted against true ones, and a histogram of the residuals."""

from __future__ import annotations

import math

from rich.text import Text

from workbench.metrics import metric
from workbench.plotting.points import Point
from workbench.plotting.scales import value_range
from workbench.processes.evaluation import Residuals
from workbench.processes.judging import Fit, Judgement
from workbench.ui.look.chart import Plot, Series, draw
from workbench.ui.panels.bars import flow
from workbench.ui.panels.judge_panel import JudgePanel

BARS_OF_SAMPLES, LEAST_BARS = 3, 12
"""Bars of a histogram, by the cube root of its samples: with more, chance would draw the shape."""
FEW_POINTS = 300
"""As many points are marks; more of them are dots, so that they can be told apart."""


class _OfTarget(JudgePanel):
    """Shows one target of a regression."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._judgement: Judgement | None = None
        self._place = 0

    def show(self, judgement: Judgement | None, place: int) -> None:
        """place: of the target, from 0."""
        self._judgement, self._place = judgement, place
        self.redraw()

    @property
    def fit(self) -> Fit | None:
        """Of the target; None where a prediction was not finite."""
        fits = [] if self._judgement is None else self._judgement.fits
        return fits[self._place] if self._place < len(fits) else None

    @property
    def residuals(self) -> Residuals | None:
        """The numbers of the target."""
        found = [] if self._judgement is None else self._judgement.evaluation.residuals
        return found[self._place] if self._place < len(found) else None

    def _nothing(self, width: int) -> list[Text]:
        return self.placeholder("a prediction is not finite, so there is nothing to draw", width)


class FitPanel(_OfTarget):
    """A point a sample: its true number to the right, the predicted one upwards. On the diagonal they are the same."""

    def heading(self) -> Text:
        found = self.residuals
        title = Text("predicted against true", self.style_of("strong"))
        if found is None:
            return title
        name = f"  {found.target}" if found.target else ""
        r2 = "" if found.r2 is None else f"  R² {metric('r2').write(found.r2)}"
        return Text.assemble(title, (name, self.style_of("accent")), (r2, self.style_of("train")))

    def footing(self) -> Text:
        targets = 0 if self._judgement is None else len(self._judgement.fits)
        return Text(f"target {self._place + 1} of {targets}" if targets > 1 else "", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        fit = self.fit
        if fit is None:
            return self._nothing(width)
        ends = value_range(min(*fit.true, *fit.predicted), max(*fit.true, *fit.predicted), log=False)
        gap = Point(0.0, math.nan, math.nan, math.nan)
        points = []
        for true, predicted in zip(fit.true, fit.predicted, strict=True):
            points += [Point(true, predicted, predicted, predicted), gap]
        plot = Plot(
            series=[
                Series("dim", [Point(end, end, end, end) for end in ends], ".", dashed=True),
                Series("train", points, "*", dots=len(fit.true) > FEW_POINTS),
            ],
            x_range=ends,
            x_label=_tick,
            y_label=_tick,
            whole_x=False,
            ascii=self.glyphs.ascii,
        )
        return draw(plot, width, height, self.style_of).lines


class ResidualsPanel(_OfTarget):
    """How many samples have which residual, predicted - true, and the numbers that sum it up."""

    def heading(self) -> Text:
        return Text.assemble(("residuals", self.style_of("strong")), ("  predicted - true", self.style_of("dim")))

    def content(self, width: int, height: int) -> list[Text]:
        fit, found = self.fit, self.residuals
        if fit is None or found is None:
            return self._nothing(width)
        dim, strong = self.style_of("dim"), self.style_of("strong")
        rows = [
            [("RMSE", f"{found.rmse:.4g}"), ("MAE", f"{found.mae:.4g}"), ("mean", f"{found.mean:+.4g}"),
             ("deviation", f"{found.deviation:.4g}")],
            [(f"{percent} %", f"{value:+.4g}") for percent, value in found.quantiles.items()],
        ]  # fmt: skip
        words = [
            line
            for row in rows
            for line in flow([Text.assemble((f"{label} ", dim), (value, strong)) for label, value in row], width)
        ]
        return [*self._histogram(fit, width, height - len(words) - 1), Text(), *words]

    def _histogram(self, fit: Fit, width: int, height: int) -> list[Text]:
        """Bars, the range below them, and a mark where the residual is 0."""
        high = height - 2
        if high < 1:
            return []
        heights, cells = _bars(fit.counts, width)
        most, glyphs, style = max(heights) or 1, self.glyphs, self.style_of("train")
        steps = len(glyphs.sparks)
        lines = []
        for row in range(high, 0, -1):
            line = ""
            for value in heights:
                filled = value / most * high - (row - 1)
                step = min(max(math.ceil(filled * steps), 0), steps)
                line += (" " if step == 0 else glyphs.sparks[step - 1]) * cells
            lines.append(Text(line, style))
        long = cells * len(heights)
        zero = int(-fit.low / (fit.high - fit.low) * long) if fit.low < 0 < fit.high else -1
        axis = Text(glyphs.horizontal * long, self.style_of("line"))
        low, high_end = f"{fit.low:.4g}", f"{fit.high:.4g}"
        labels = f"{low}{high_end:>{max(long - len(low), len(high_end) + 1)}}"
        if 0 <= zero < long:
            axis = Text.assemble(axis[:zero], ("0", self.style_of("warning")), axis[zero + 1 :])
        return [*lines, axis, Text(labels, self.style_of("dim"))]


def _bars(counts: list[int], width: int) -> tuple[list[int], int]:
    """The heights of the bars, and the cells of each: neighbouring bins are joined to as many as the samples fill."""
    bins = len(counts)
    most = min(max(BARS_OF_SAMPLES * sum(counts) ** (1 / 3), LEAST_BARS), max(width, 1))
    joined = next(each for each in range(1, bins + 1) if bins % each == 0 and bins // each <= most)
    bars = [sum(counts[place : place + joined]) for place in range(0, len(counts), joined)]
    return bars, max(width // len(bars), 1)


def _tick(value: float) -> str:
    return f"{value:.4g}"
