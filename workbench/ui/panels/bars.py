"""Small pictures in text: a thin bar of a fraction, a history as a sparkline."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from workbench.ui.look.glyphs import Glyphs


def thin_bar(fraction: float, width: int, glyphs: Glyphs, filled: Style, rest: Style) -> Text:
    """A bar of `width` cells, the first `fraction` of them filled."""
    cells = min(max(round(fraction * width), 1 if fraction > 0 else 0), width)
    return Text.assemble((glyphs.bar * cells, filled), (glyphs.rest * (width - cells), rest))


def sparkline(values: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """The last `width` values as heights, on a scale from 0 to the greatest of them."""
    kept = list(values)[-width:]
    top = max(kept, default=0.0)
    if top <= 0:
        return ""
    last = len(glyphs.sparks) - 1
    return "".join(glyphs.sparks[min(max(round(value / top * last), 0), last)] for value in kept)


def curve_line(values: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """All values as heights between the least and the greatest of them; of more than `width`, evenly chosen ones."""
    if len(values) < 2:
        return ""
    if len(values) > width:
        last = len(values) - 1
        values = [values[round(place * last / (width - 1))] for place in range(width)]
    low, high = min(values), max(values)
    return sparkline([(value - low) / ((high - low) or 1.0) + 0.05 for value in values], width, glyphs)


def flow(items: Sequence[Text], width: int, gap: int = 2) -> list[Text]:
    """Items side by side, on as many lines as they need; no item is split."""
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + gap + item.cell_len <= width:
            lines[-1].append(" " * gap)
            lines[-1].append_text(item)
        else:
            lines.append(item.copy())
    return lines
