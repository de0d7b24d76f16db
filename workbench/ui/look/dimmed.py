"""Draws dim text in the theme's own dim colour.

Textual mixes a dim colour half and half with the background. In a light theme the result is too pale to read.
"""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class DimFilter(LineFilter):
    """Maps each line of the screen; comes before Textual's own filters."""

    def __init__(self, color: Style) -> None:
        """color: a style that has the colour and nothing else."""
        super().__init__()
        self._color = color + Style(dim=False)
        self._dimmed = lru_cache(256)(lambda style: style + self._color)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with the dim colour instead of the attribute `dim`."""
        return [
            Segment(text, self._dimmed(style), control)
            if style is not None and style.dim
            else Segment(text, style, control)
            for text, style, control in segments
        ]
