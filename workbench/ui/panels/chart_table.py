"""What is copied of a chart: the values at the cursor, else the points of its curves, as a table (TSV)."""

from __future__ import annotations

from workbench.ui.panels.chart_curves import ChartCurves

DIGITS = 6
"""Of a value: more are noise of the computer's arithmetic."""


def values_at_cursor(curves: ChartCurves, title: str) -> str:
    """A line of names and one of values: x, and each curve as it was measured."""
    names = [curves.view.x_axis, *(each.curve.name or title for each in curves.readings)]
    values = [f"{curves.view.cursor:.12g}", *(_written(each.raw) for each in curves.readings)]
    return "\t".join(names) + "\n" + "\t".join(values)


def points_of(curves: ChartCurves, title: str) -> str:
    """A line for each point of each curve, as it was measured: which curve, x, value."""
    lines = [f"curve\t{curves.view.x_axis}\tvalue"]
    for curve in (*curves.own, *curves.overlaid):
        lines += [
            f"{curve.name or title}\t{point.x:.12g}\t{_written(point.mean)}" for point in curve.raw or curve.points
        ]
    return "\n".join(lines)


def _written(value: float) -> str:
    return f"{value:.{DIGITS}g}"
