"""The characters that the app draws with: one set for terminals that have them, one in plain ASCII."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size


@dataclass(frozen=True)
class Glyphs:
    """One character each, except where said."""

    ascii: bool
    corners: str
    """Top left, top right, bottom left, bottom right."""
    horizontal: str
    vertical: str
    dot: str
    """Marks a changed setting."""
    state: str
    """Beside a state. In ASCII it differs from the mark of a changed preset, which stands before it."""
    open: str
    """A family whose settings are shown, and a choice that opens a list."""
    folded: str
    left: str
    right: str
    """Beside a value that the keys left and right step."""
    bar: str
    rest: str
    """Filled and empty part of a thin bar."""
    block: str
    """A solid cell, for the bar of phases."""
    sparks: str
    """Eight heights of a bar in a sparkline, the lowest first."""
    sample: str
    """The line in a legend."""
    wrong: str
    done: str
    waiting: str
    discarded: str
    warning: str
    best: str
    """Beside the best of several values."""
    pinned: str
    """Before the run with which others are compared."""
    better: str
    worse: str
    """Before a difference."""
    ellipsis: str
    times: str
    degree: str

    def cut(self, text: str, cells: int) -> str:
        """The text in at most `cells` cells; a longer one ends in an ellipsis."""
        return text if cell_len(text) <= cells else set_cell_size(text, max(cells - 1, 0)) + self.ellipsis


UNICODE = Glyphs(
    ascii=False,
    corners="╭╮╰╯",
    horizontal="─",
    vertical="│",
    dot="●",
    state="●",
    open="▾",
    folded="▸",
    left="‹",
    right="›",
    bar="━",
    rest="─",
    block="█",
    sparks="▁▂▃▄▅▆▇█",
    sample="━",
    wrong="✗",
    done="✓",
    waiting="○",
    discarded="·",
    warning="▲",
    best="★",
    pinned="◆",
    better="▴",
    worse="▾",
    ellipsis="…",
    times="×",
    degree="°",
)

ASCII = Glyphs(
    ascii=True,
    corners="++++",
    horizontal="-",
    vertical="|",
    dot="*",
    state="o",
    open="v",
    folded=">",
    left="<",
    right=">",
    bar="=",
    rest="-",
    block="#",
    sparks="_.,-=+*#",
    sample="-",
    wrong="x",
    done="+",
    waiting=".",
    discarded="-",
    warning="!",
    best="*",
    pinned="@",
    better="^",
    worse="v",
    ellipsis="~",
    times="x",
    degree="",
)
