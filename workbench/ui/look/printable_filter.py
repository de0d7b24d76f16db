"""Keeps control characters from the terminal, whatever a widget draws.

They have no width, so nothing moves when they are left out.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from workbench.printable import without_controls


class PrintableFilter(LineFilter):
    """Maps each line of the screen."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without control characters."""
        if all(segment.text.isprintable() for segment in segments):
            return segments
        cleaned = [Segment(without_controls(text), style, control) for text, style, control in segments]
        return [segment for segment in cleaned if segment.text]
