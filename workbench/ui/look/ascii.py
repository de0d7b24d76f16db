"""Replaces all characters that are not ASCII, for terminals that have no others.

Panels draw with ASCII characters themselves (`glyphs.ASCII`); this filter replaces what remains in borders, lists and
the user's own texts. Each character is replaced by one of the same width, so that nothing moves.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

KNOWN = {
    "×": "x",
    "≤": "<",
    "≥": ">",
    "²": "2",
    "±": "~",
    "·": "-",
    "–": "-",
    "→": ">",
    "…": "~",
    "█": "#",
    "▊": "|",
    "▎": "|",
}


class AsciiFilter(LineFilter):
    """Maps each line of the screen."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with each character replaced that is not ASCII."""
        return [
            segment if segment.text.isascii() else Segment("".join(map(ascii_of, segment.text)), segment.style)
            for segment in segments
        ]


def ascii_of(character: str) -> str:
    """One ASCII character of the same width; two blanks for a wide one."""
    if character.isascii():
        return character
    if cell_len(character) != 1:
        return "  " if cell_len(character) == 2 else ""
    if character in KNOWN:
        return KNOWN[character]
    if "\u2500" <= character <= "\u257f":
        return _box(character)
    plain = unicodedata.normalize("NFKD", character)[0]
    return plain if plain.isascii() else "?" if character.isalpha() else " "


def _box(character: str) -> str:
    name = unicodedata.name(character, "")
    if "HORIZONTAL" in name and "VERTICAL" not in name:
        return "-"
    return "|" if "VERTICAL" in name and "HORIZONTAL" not in name and "AND" not in name else "+"
