"""Shades from weak to strong, for heat maps: of one colour, or characters where there are no colours to mix."""

from __future__ import annotations

from rich.color import blend_rgb
from rich.style import Style
from rich.text import Text

from workbench.ui.look.styled_app import StyledApp

COLOURS = ("line", "train", "text")
"""The styles that the shades of a theme run through."""
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
            colours = [app.palette[name].color for name in COLOURS]
            stops = [colour.get_truecolor() for colour in colours if colour is not None]
            for step in range(STEPS):
                place = step / (STEPS - 1) * (len(stops) - 1)
                first = min(int(place), len(stops) - 2)
                mixed = blend_rgb(stops[first], stops[first + 1], place - first)
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

    def row(self, fractions) -> Text: ...

    def legend(self, cells) -> Text:
        """The scale, from weak to strong."""
