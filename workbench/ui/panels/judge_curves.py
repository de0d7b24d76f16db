"""The curves of the Judge screen: ROC, precision-recall, calibration, and how sure the model is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workbench.plotting.points import Point
from workbench.processes.evaluation import Calibration
from workbench.processes.judging import CURVE_POINTS, ClassCurves, Judgement
from workbench.ui.look.chart import Plot, Series, draw
from workbench.ui.panels.judge_panel import JudgePanel
from workbench.ui.panels.scrolling import in_view
from workbench.units import count

MOST_BEHIND = 12
"""Curves of other classes that are drawn behind that of the chosen one."""
MOST_NAME_CELLS = 18
SAMPLES_CELLS, AREA_CELLS = 9, 7
DIAGONAL = Series("dim", [Point(end, end, end, end) for end in (0.0, 1.0)], ".", dashed=True)
"""Where a ROC curve of chance lies, or one of perfect calibration."""
LEAST_GAP = 0.02
"""Between the mean probability and the fraction that is right; a smaller one is not spoken of."""


class CurveClassesPanel(JudgePanel):
    """The classes, those that are told apart worst first, with the areas under their curves."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._curves: Sequence[tuple[str, ClassCurves]] = ()
        self._place = 0

    def show(self, curves: Sequence[tuple[str, ClassCurves]], place: int) -> None:
        """curves: with the names of their classes; place: of the chosen one."""
        self._curves, self._place = curves, place
        self.redraw()

    def heading(self) -> Text:
        return Text.assemble(("classes", self.style_of("strong")), ("  worst first", self.style_of("dim")))

    def content(self, width: int, height: int) -> list[Text]:
        if not self._curves:
            return self.placeholder("no class can be told from others on this split", width)
        names = [name for name, _ in self._curves]
        numbers = SAMPLES_CELLS + 2 * AREA_CELLS
        cells = min(max(map(cell_len, [*names, "class"])), max(width - numbers, 4), MOST_NAME_CELLS)
        titles = f"{'class':<{cells}}{'samples':>{SAMPLES_CELLS}}{'AUC':>{AREA_CELLS}}{'AP':>{AREA_CELLS}}"
        lines = [Text(titles, self.style_of("dim"))]
        for place in in_view(self._place, len(names), height - 1):
            _, each = self._curves[place]
            name = set_cell_size(self.glyphs.cut(names[place], cells), cells)
            areas = f"{each.area:>{AREA_CELLS}.3f}{each.average_precision:>{AREA_CELLS}.3f}"
            line = Text(f"{name}{count(each.samples):>{SAMPLES_CELLS}}{areas}", self.style_of("text"))
            if place == self._place:
                line.pad_right(max(width - line.cell_len, 0))
                line.stylize(self.style_of("cursor"))
            lines.append(line)
        return lines


class JudgeChart(JudgePanel):
    """A chart of what was found; the chosen class is drawn over the others."""

    TITLE = ""
    AXES = ""
    """What is drawn against what."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._judgement: Judgement | None = None
        self._place = 0
        self._of_class = ""

    def show(self, judgement: Judgement | None, place: int, name: str) -> None:
        """place: of the chosen class among the curves; name: its name."""
        self._judgement, self._place, self._of_class = judgement, place, name
        self.redraw()

    @property
    def chosen(self) -> ClassCurves | None:
        """The curves of the chosen class."""
        curves = [] if self._judgement is None else self._judgement.curves
        return curves[self._place] if self._place < len(curves) else None

    def values(self) -> Sequence[str]:
        """The numbers that sum the chart up, the most important ones first."""
        raise NotImplementedError

    def plot(self) -> Plot | None:
        """What to draw."""
        raise NotImplementedError

    def heading(self) -> Text:
        title, train = Text(self.TITLE, self.style_of("strong")), self.style_of("train")
        parts = self.values()
        legends = [
            Text("  ").join([title, *(Text(part, train) for part in parts[:kept])])
            for kept in range(len(parts), -1, -1)
        ]
        axes = (f"  {self.AXES}", self.style_of("dim"))
        return self.first_fitting([*([Text.assemble(legends[0], axes)] if parts and self.AXES else []), *legends])

    def content(self, width: int, height: int) -> list[Text]:
        plot = self.plot()
        if plot is None:
            return self.placeholder("nothing to draw: probabilities of classes were not kept", width)
        return draw(plot, width, height, self.style_of).lines

    def _plot_of(self, series: Sequence[Series]) -> Plot:
        return Plot(
            series=series, x_range=(0.0, 1.0), x_label=_percent, y_label=_percent, whole_x=False, most=1.0,
            ascii=self.glyphs.ascii,
        )  # fmt: skip

    def _of_classes(self, which: str) -> list[Series]:
        """The curve of each class, some of the others behind the chosen one."""
        chosen = self.chosen
        if chosen is None or self._judgement is None:
            return []
        others = [each for each in self._judgement.curves if each is not chosen][:MOST_BEHIND]
        curves = [(each, "line", ".") for each in others] + [(chosen, "train", "*")]
        return [
            Series(style, _points(getattr(each, which), from_zero=which == "found"), marker)
            for each, style, marker in curves
        ]


class RocPanel(JudgeChart):
    """What part of a class is found, against what part of the others is mistaken for it."""

    TITLE, AXES = "ROC", "true against false positive rate"

    def values(self) -> Sequence[str]:
        return () if self.chosen is None else (self._of_class, f"AUC {self.chosen.area:.4f}")

    def plot(self) -> Plot | None:
        curves = self._of_classes("found")
        return self._plot_of([DIAGONAL, *curves]) if curves else None


class PrecisionRecallPanel(JudgeChart):
    """Which part of the predictions is right, against what part of a class is found."""

    TITLE, AXES = "precision-recall", "precision against recall"

    def values(self) -> Sequence[str]:
        return () if self.chosen is None else (self._of_class, f"AP {self.chosen.average_precision:.4f}")

    def plot(self) -> Plot | None:
        curves = self._of_classes("precision")
        return self._plot_of(curves) if curves else None


class CalibrationPanel(JudgeChart):
    """Which part of the predictions is right, against how probable they were said to be."""

    TITLE, AXES = "calibration", "accuracy against confidence"

    @property
    def _calibration(self) -> Calibration | None:
        return None if self._judgement is None else self._judgement.evaluation.calibration

    def values(self) -> Sequence[str]:
        found = self._calibration
        if found is None:
            return ()
        return f"error {100 * found.expected_error:.1f} %{_leaning(found)}", f"Brier {found.brier:.4f}"

    def plot(self) -> Plot | None:
        found = self._calibration
        if found is None:
            return None
        measured = [
            Point(each.confidence, each.accuracy, each.accuracy, each.accuracy)
            for each in found.bins
            if each.confidence is not None and each.accuracy is not None
        ]
        return self._plot_of([DIAGONAL, Series("train", measured, "*")])


class SurenessPanel(JudgeChart):
    """How many predictions have which probability, and how many of them are wrong."""

    TITLE = "confidence"

    def values(self) -> Sequence[str]:
        found = None if self._judgement is None else self._judgement.evaluation.confident_mistakes
        if found is None:
            return ()
        at_least = f"{100 * found.probability:.0f} %"
        if not found.predictions:
            return (f"none of {at_least} or more",)
        return (f"{count(found.mistakes)} of {count(found.predictions)} wrong from {at_least} on",)

    def plot(self) -> Plot | None:
        return None

    def content(self, width: int, height: int) -> list[Text]:
        found = None if self._judgement is None else self._judgement.evaluation.calibration
        if found is None:
            return self.placeholder("no probabilities", width)
        dim, text, wrong = self.style_of("dim"), self.style_of("text"), self.style_of("warning")
        most = max(each.predictions for each in found.bins)
        rows = []
        for each in reversed(found.bins):
            mistakes = round(each.predictions * (1 - (each.accuracy or 0.0))) if each.predictions else 0
            label = f"{100 * each.low:>3.0f} to {100 * each.high:>3.0f} %  "
            numbers = f"  {count(each.predictions)}" + (f", {count(mistakes)} wrong" if mistakes else "")
            rows.append((label, each.predictions - mistakes, mistakes, numbers))
        room = width - len(rows[0][0]) - max(len(numbers) for *_, numbers in rows)
        lines = []
        for label, right, mistakes, numbers in rows:
            whole = round(room * (right + mistakes) / (most or 1)) or (1 if right + mistakes else 0)
            bad = min(max(round(whole * mistakes / (right + mistakes)), 1), whole) if mistakes else 0
            lines.append(
                Text.assemble(
                    (label, dim),
                    (self.glyphs.bar * (whole - bad), self.style_of("train")),
                    ((self.glyphs.wrong if self.glyphs.ascii else self.glyphs.bar) * bad, wrong),
                    (numbers, text),
                )
            )
        return lines


def _leaning(found: Calibration) -> str:
    """Whether the probabilities are too high or too low, as a whole."""
    there = [each for each in found.bins if each.predictions]
    gap = sum(each.predictions * ((each.accuracy or 0.0) - (each.confidence or 0.0)) for each in there)
    gap /= sum(each.predictions for each in there) or 1
    return "" if abs(gap) < LEAST_GAP else ", too sure" if gap < 0 else ", too unsure"


def _points(heights: Sequence[float], *, from_zero: bool) -> list[Point]:
    """A curve over evenly spaced places from 0 to 1. from_zero: it first rises from 0."""
    foot = [Point(0.0, 0.0, 0.0, 0.0)] if from_zero else []
    return foot + [Point(place / (CURVE_POINTS - 1), height, height, height) for place, height in enumerate(heights)]


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g}"
