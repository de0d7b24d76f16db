"""The legend of a chart's overlaid runs: in its border what there is room for, under a maximised chart all of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from workbench.plotting.quantities import Quantity
from workbench.ui.live.overlays import Overlay
from workbench.ui.panels.chart_curves import ChartCurves, DrawnCurve, overlaid_curve
from workbench.ui.panels.panel import LineWidget

WATCHED = "this run"
MOST_OF_HEIGHT = 3
"""Of so many lines of a maximised chart, the legend takes one at most."""


def drawn(quantity: Quantity, overlays: Sequence[Overlay]) -> list[Overlay]:
    """The overlaid runs that have a curve of a quantity."""
    return [each for each in overlays if any(overlaid_curve(quantity, history) for history in each.histories)]


def letters_of(panel: LineWidget, overlays: Sequence[Overlay], *, gap: str) -> Text:
    """The letters of overlaid runs."""
    text = Text()
    for number, overlay in enumerate(overlays):
        text.append(f"{gap if number else '  '}{overlay.mark.letter}", panel.style_of(overlay.mark.style))
    return text


def labels_of(panel: LineWidget, quantity: Quantity, overlays: Sequence[Overlay], own_label: str) -> list[Text]:
    """What tells overlaid runs apart, each after its letter, the longest text first.

    With the label of the watched run; without it; with the first of the settings alone, where that is enough.
    """
    dim = panel.style_of("dim")
    split = split_of(quantity)

    def joined(labels: Sequence[str]) -> Text:
        parts = [Text(split, dim)] if split else []
        for overlay, label in zip(overlays, labels, strict=True):
            parts.append(Text(f"{overlay.mark.letter} {label}", panel.style_of(overlay.mark.style)))
        return Text("  ").join(parts)

    whole = joined([overlay.label for overlay in overlays])
    found = [Text.assemble(whole, (f"  {WATCHED} {own_label}", dim)), whole] if own_label else [whole]
    firsts = ["".join(overlay.parts[:1]) for overlay in overlays]
    return [*found, joined(firsts)] if len(set(firsts)) == len(firsts) else found


def split_of(quantity: Quantity) -> str:
    """Which curve of the overlaid runs is drawn, where it might be another: that of the validation split."""
    return "validation" if any(name == "validation" for name, _, _ in quantity.curves) else ""


def legend_lines(
    panel: LineWidget, curves: ChartCurves, overlays: Sequence[Overlay], own_label: str, most: int
) -> list[Text]:
    """A line for the watched run and each overlaid one, at most `most`: its letter, its value, what tells it apart.

    The value is that at the cursor; without one, the latest.
    """
    if not curves.overlaid or most < 1:
        return []
    labels = {overlay.mark.letter: overlay.label for overlay in overlays}
    own = [curve for curve in curves.own if curve.points][-1:]
    rows = [(WATCHED, curve, own_label) for curve in own]
    rows += [(curve.name, curve, labels[curve.name]) for curve in curves.overlaid]
    values = [_value(curves, curve) for _, curve, _ in rows]
    widest, longest = max(len(name) for name, _, _ in rows), max(map(len, values))
    lines = [
        Text.assemble(
            (f"{name:<{widest}}  ", panel.style_of(curve.style)),
            (f"{value:<{longest}}  ", panel.style_of("text")),
            (label, panel.style_of("dim")),
        )
        for (name, curve, label), value in zip(rows, values, strict=True)
    ]
    if len(lines) > most:
        lines[most - 1 :] = [Text(f"and {len(lines) - most + 1} more", panel.style_of("dim"))]
    return lines


def _value(curves: ChartCurves, curve: DrawnCurve) -> str:
    """The value of a curve; of a group also the range of its runs."""
    write = curves.quantity.write
    finite = [point for point in curve.points if math.isfinite(point.mean)]
    if curves.view.cursor is not None:
        found = next((reading for reading in curves.readings if reading.curve is curve), None)
        x, value = (0.0, math.nan) if found is None else (found.x, found.value)
    else:
        x, value = (finite[-1].x, finite[-1].mean) if finite else (0.0, math.nan)
    if not math.isfinite(value):
        return "-"
    if not curve.spread:
        return write(value)
    spread = min(curve.spread, key=lambda point: abs(point.x - x))
    return f"{write(value)} ({write(spread.low)} to {write(spread.high)})"
