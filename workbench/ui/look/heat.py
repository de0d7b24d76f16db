"""Backgrounds that show how large a fraction is: from the theme's own background towards a colour."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color

LEVELS = 16
"""More could not be told apart, and each further one costs bytes over SSH."""
FAINTEST, STRONGEST = 0.15, 0.75
"""How much of the colour the lowest and the highest level have."""
LEAST_CONTRAST = 4.5
"""Between a number and its background (WCAG 2.1, AA)."""


class Heat:
    """The styles of cells, by a colour of the theme and a fraction. Small fractions differ most: errors are rare."""

    def __init__(self, variables: Mapping[str, str], *, mixes: bool) -> None:
        """variables: of the theme; mixes: whether its colours may be mixed with the background.

        The terminal's sixteen colours cannot be, and on some mixed colours no text has the contrast of 7 to 1 that the
        theme of high contrast promises.
        """
        self._variables = variables
        self._mixes = mixes
        self._known: dict[tuple[str, int], Style] = {}

    def style(self, colour: str, fraction: float) -> Style:
        """The style of a cell with a number. colour: the name of a variable; fraction: from 0 to 1, 0 has none."""
        level = level_of(fraction)
        if level == 0:
            return Style()
        if (colour, level) not in self._known:
            self._known[colour, level] = self._made(colour, level)
        return self._known[colour, level]

    def _made(self, name: str, level: int) -> Style:
        colour = Color.parse(self._variables[name])
        if not self._mixes:
            return Style(color=colour.rich_color, bold=level > LEVELS // 3 or None, reverse=level > LEVELS // 2 or None)
        background = Color.parse(self._variables["background"])
        mixed = background.blend(colour, FAINTEST + (STRONGEST - FAINTEST) * (level - 1) / (LEVELS - 1))
        text = Color.parse(self._variables["foreground"]), background, Color(255, 255, 255), Color(0, 0, 0)
        # White or black is always far enough from any background.
        chosen = next((each for each in text if contrast(each, mixed) >= LEAST_CONTRAST), text[-1])
        return Style(color=chosen.rich_color, bgcolor=mixed.rich_color)


def level_of(fraction: float) -> int:
    """The level of a fraction: 0 for none of it, LEVELS for all; half of them for an eighth."""
    return min(max(round(LEVELS * min(fraction, 1.0) ** (1 / 3)), 1), LEVELS) if fraction > 0 else 0


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.1)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
