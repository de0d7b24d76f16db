"""Makes tables fit the terminal without breaking a number: what has no room is left out or shortened at its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

EDGES, BETWEEN = 2, 3
"""Cells that a table of `box.SIMPLE_HEAD` takes at its edges, and between two columns."""
ELLIPSIS = "…"
LEAST_ROOM = 24
"""For settings; columns before them are left out where less is left."""
_BETWEEN_SETTINGS = re.compile(r", (?=[\w.@]+=)")


def widths_of(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """The cells that each column needs."""
    return [max(map(cell_len, column)) for column in zip(titles, *rows, strict=True)]


def table_width(widths: Sequence[int]) -> int:
    """The cells that a table needs."""
    return EDGES + sum(widths) + BETWEEN * (len(widths) - 1)


def most_columns(widths: Sequence[int], room: int) -> int:
    """How many columns, from the first on, fit; at least two."""
    return max(2, *(count for count in range(1, len(widths) + 1) if table_width(widths[:count]) <= room))


def shrunk(widths: Sequence[int], room: int, shrinking: Sequence[int], least: int = 8) -> list[int]:
    """The widths with which a table fits, where those of names can be smaller, the first of `shrinking` first."""
    found = list(widths)
    for place in shrinking:
        excess = table_width(found) - room
        if excess > 0:
            found[place] = max(found[place] - excess, min(least, found[place]))
    return found


def setting_lines(text: str, room: int) -> list[str]:
    """Settings in lines of at most `room` cells, broken between two settings; a long name is shortened, no value is."""
    parts = _BETWEEN_SETTINGS.split(text)
    lines = [""]
    for place, part in enumerate(parts):
        comma = "," if place < len(parts) - 1 else ""
        word = _shortened(part, room - len(comma)) + comma
        if lines[-1] and cell_len(f"{lines[-1]} {word}") > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _shortened(setting: str, room: int) -> str:
    name, equals, value = setting.partition("=")
    keep = room - cell_len(f"{equals}{value}") - 1
    if cell_len(setting) <= room or not equals or keep < 1:
        return setting
    return f"{ELLIPSIS}{name[-keep:]}={value}"
