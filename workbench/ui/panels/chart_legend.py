"""The legend of a chart's overlaid runs: in its border what there is room for, under a maximised chart all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rich.text import Text

from workbench.plotting.quantities import Quantity
from workbench.runs.history import RunHistory
from workbench.ui.live.overlays import Overlay
from workbench.ui.panels.chart_curves import overlaid_curve
from workbench.ui.panels.panel import LineWidget

ValueOf = Callable[[RunHistory, str], float | None]
"""The value of a run's curve that the legend shows; None where it has none."""
WATCHED = "this run"
MOST_OF_HEIGHT = 3
"""The legend takes at most this part of a maximised chart."""


def latest(history: RunHistory, key: str) -> float | None:
    """The latest value of a curve."""
    return history.curves[key].last


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
    """What tells overlaid runs apart, each after its letter: with the label of the watched run, and without."""
    dim = panel.style_of("dim")
    text = Text(split_of(quantity), dim)
    for overlay in overlays:
        text.append(f"  {overlay.mark.letter} {overlay.label}", panel.style_of(overlay.mark.style))
    return [Text.assemble(text, (f"  {WATCHED} {own_label}", dim)), text] if own_label else [text]


def split_of(quantity: Quantity) -> str:
    """Which curve of the overlaid runs is drawn, where it might be another: that of the validation split."""
    return "validation" if any(name == "validation" for name, _, _ in quantity.curves) else ""


def legend_lines(
    panel: LineWidget,
    quantity: Quantity,
    history: RunHistory | None,
    own_label: str,
    overlays: Sequence[Overlay],
    value_of: ValueOf,
    most: int,
) -> list[Text]:
    """A line for the watched run and each overlaid one, at most `most`: its letter, its value, what tells it apart."""
    overlays = drawn(quantity, overlays)
    if not overlays or most < 1:
        return []
    rows = [(overlay.mark.letter, _values(quantity, overlay.histories, value_of), overlay) for overlay in overlays]
    cells = [
        (letter, _written(quantity, values), overlay.label, overlay.mark.style) for letter, values, overlay in rows
    ]
    if history is not None:
        own = _values(quantity, [history], value_of)
        cells.insert(0, (WATCHED, _written(quantity, own), own_label, quantity.curves[-1][2]))
    widths = [max(len(row[column]) for row in cells) for column in (0, 1)]
    lines = [
        Text.assemble(
            (f"{letter:<{widths[0]}}  ", panel.style_of(style)),
            (f"{value:<{widths[1]}}  ", panel.style_of("text")),
            (label, panel.style_of("dim")),
        )
        for letter, value, label, style in cells
    ]
    if len(lines) > most:
        lines[most - 1 :] = [Text(f"and {len(lines) - most + 1} more", panel.style_of("dim"))]
    return lines


def _values(quantity: Quantity, histories: Sequence[RunHistory], value_of: ValueOf) -> list[float]:
    found = [value_of(each, key) for each in histories if (key := overlaid_curve(quantity, each)) is not None]
    return [value for value in found if value is not None and math.isfinite(value)]


def _written(quantity: Quantity, values: Sequence[float]) -> str:
    """One value, or the mean of several with the range that they span."""
    if not values:
        return "-"
    mean = quantity.write(math.fsum(values) / len(values))
    return mean if len(values) == 1 else f"{mean} ({quantity.write(min(values))} to {quantity.write(max(values))})"
