"""A history as an area of some lines, and the scale that it is drawn on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

from workbench.ui.panels.panel import LineWidget

LEAST_SPAN = 0.2
"""The scale spans at least this fraction of its values: what hardly changes looks as if it hardly changed."""
MOST_LINES = 6
LEAST_CELLS = 8


@dataclass(frozen=True)
class Scale:
    """The values at the foot and at the top of a graph."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> Scale:
        """The range of the values; where they are close together, they lie in the middle of it."""
        least, most = min(values), max(values)
        span = max(most - least, LEAST_SPAN * abs(most), 1e-12)
        low = (least + most - span) / 2
        return cls(low, low + span)


def area(
    values: Sequence[float | None], width: int, height: int, scale: Scale, on: LineWidget, style: str = "train"
) -> list[Text]:
    """The last `width` values as heights, on `height` lines from the top, the latest at the right.

    A value that is not known is blank; the least has the lowest height, which is not blank. Below the topmost cell of a
    value the area is only tinted, so that a high value is no block. on: the widget that shows it.
    """
    kept, sparks = list(values)[-width:], on.glyphs.sparks
    steps, span = len(sparks), scale.high - scale.low
    heights = [
        0 if value is None else min(max(round((value - scale.low) / span * height * steps), 1), height * steps)
        for value in kept
    ]
    lines = []
    for line in reversed(range(height)):
        text = Text(" " * (width - len(kept)))
        # A cell is filled by so many steps; by more than all where the value is higher than this line.
        for filled, cells in groupby(each - line * steps for each in heights):
            character = sparks[min(filled, steps) - 1] if filled > 0 else " "
            text.append(character * sum(1 for _ in cells), on.style_of("line" if filled > steps else style))
        lines.append(text)
    return lines


def history_lines(
    name: str,
    values: Sequence[float],
    width: int,
    height: int,
    write: Callable[[float], str],
    on: LineWidget,
) -> list[Text]:
    """A named history on at most `height` lines: one line with its range behind, or an area with its scale at the left.

    on: the widget that shows it.
    """
    if not values or height < 1:
        return []
    dim = on.style_of("dim")
    if height < 3:
        return _line(name, values, width, write, on)
    height = min(height, MOST_LINES)
    scale = Scale.around(values[-width:])
    high, low = write(scale.high), write(scale.low)
    cells = max(map(len, (high, name, low)))
    labels = [high, *[""] * (height - 2), low]
    labels[height // 2] = name
    rows = area(values, max(width - cells - 1, 1), height, scale, on)
    return [Text.assemble((f"{label:>{cells}} ", dim), row) for label, row in zip(labels, rows, strict=True)]


def _line(name: str, values: Sequence[float], width: int, write: Callable[[float], str], on: LineWidget) -> list[Text]:
    room = width
    for _ in range(2):  # the range is that of the values for which it leaves room
        kept = values[-room:]
        low, high = write(min(kept)), write(max(kept))
        said = high if low == high else f"{low} to {high}"
        room = width - len(name) - len(said) - 2
        if room < LEAST_CELLS:
            return []
    graph = area(kept, room, 1, Scale.around(kept), on)[0]
    return [Text.assemble((f"{name} ", on.style_of("dim")), graph, (f" {said}", on.style_of("text")))]
