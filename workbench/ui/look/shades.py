"""Shades from weak to strong, for heat maps: of one colour, or characters where there are no colours to mix."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.color import Color, blend_rgb
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.text import Text

from workbench.ui.look.styled_app import StyledApp

GLARE = 0.5
"""The strongest shade lies so far from the colour of curves to that of text: a heat map of it alone must not glare."""
STEPS = 12
"""Shades in colour."""
CHARACTERS = "░▒▓█"
ASCII_CHARACTERS = ".:-=+*#"


class Shades:
    """Draws numbers from 0 to 1 as cells."""

    def __init__(self, app: StyledApp) -> None:
        """app: decides about characters and colours."""
        self._characters = ASCII_CHARACTERS if app.glyphs.ascii else CHARACTERS
        self._style = app.palette["text" if app.no_color else "train"]
        self._mixed: list[Style] = []
        if not (app.glyphs.ascii or app.no_color or app.current_theme.ansi):
            weak, middle, text = (_triplet(app.palette[name]) for name in ("line", "train", "text"))
            strong = blend_rgb(middle, text, GLARE)
            for place in (2 * step / (STEPS - 1) for step in range(STEPS)):
                mixed = blend_rgb(weak, middle, place) if place < 1 else blend_rgb(middle, strong, place - 1)
                self._mixed.append(Style.from_color(Color.from_triplet(mixed)))

    def cell(self, fraction: float | None) -> tuple[str, Style]:
        """A cell's character and style; blank for None."""
        if fraction is None:
            return " ", self._style
        fraction = min(max(fraction, 0.0), 1.0)
        if self._mixed:
            return "█", self._mixed[min(int(fraction * STEPS), STEPS - 1)]
        last = len(self._characters) - 1
        return self._characters[min(int(fraction * (last + 1)), last)], self._style

    def row(self, fractions: Iterable[float | None]) -> Text:
        """Cells side by side."""
        text = Text()
        for (character, style), cells in groupby(map(self.cell, fractions)):
            text.append(character * sum(1 for _ in cells), style)
        return text


def _triplet(style: Style) -> ColorTriplet:
    assert style.color is not None
    return style.color.get_truecolor()
