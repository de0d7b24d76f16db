"""A column of the table of runs, and how many cells each gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.runs.row import RunRow

GAP = 2
"""Cells between two columns."""
LEAST_COLUMNS = 3
Parts = Sequence[tuple[str, str]]
"""Texts and the names of their styles, which make up a cell."""
NOTHING: Parts = (("-", "dim"),)


@dataclass(frozen=True)
class Column:
    """A column; where the screen is narrow, columns of lower rank are left out first."""

    key: str
    """As it is chosen and remembered."""
    title: str
    parts: Callable[[RunRow, int], Parts]
    """What it shows of a run in that many cells."""
    least: int
    """Cells; with less room the column is left out."""
    rank: float = 6.0
    needed: int = 0
    """Cells that it grows to, where there is room."""
    sort_key: Callable[[RunRow], Any] | None = None
    """None: the table cannot be sorted by it. Runs without a value come last, in either direction."""
    descending: bool = True
    """The usual direction: what people look for comes first."""
    at_right: bool = False
    is_whole: bool = False
    """Whether it grows to all that it needs, or not at all: a date is shown with its year or without."""
    summary: Callable[[Sequence[RunRow]], str] | None = None
    """What it says of a group of runs."""
    name: str = ""
    """In the list of columns, where the title is not enough."""

    @property
    def full_name(self) -> str:
        """What it is called in the list of columns."""
        return self.name or self.title


def fitting(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit, each with its cells."""
    kept = list(columns)
    while len(kept) > LEAST_COLUMNS and sum(column.least + GAP for column in kept) - GAP > width:
        kept.remove(min(kept, key=lambda column: column.rank))
    cells = [column.least for column in kept]
    spare = width - sum(cells) - GAP * (len(kept) - 1)
    for place in sorted(range(len(kept)), key=lambda place: -kept[place].rank):
        wanted = max(kept[place].needed - cells[place], 0)
        more = min(wanted, max(spare, 0))
        if more == wanted or not kept[place].is_whole:
            cells[place] += more
            spare -= more
    return list(zip(kept, cells, strict=True))
