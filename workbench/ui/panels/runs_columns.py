"""The columns of the table of runs: their values, widths and sort keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.metrics import metric as declared
from workbench.runs.row import RunRow, goodness
from workbench.units import count

GAP = 2
"""Cells between two columns."""
LEAST_COLUMNS = 3


@dataclass(frozen=True)
class Column:
    """A column of the table; where the screen is narrow, columns of lower rank are left out first."""

    name: str
    least: int
    """Cells; with less room the column is left out."""
    most: int
    rank: int
    sort_key: Callable[[RunRow], Any] | None = None
    """None: the table cannot be sorted by it. Runs without a value come last, in either direction."""
    descending: bool = True
    """The usual direction: what people look for comes first."""
    at_right: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("", 1, 3, 10),
    Column("state", 11, 11, 10, lambda row: state_of(row), descending=False),
    Column("preset", 10, 22, 10, lambda row: name_of(row) or None, descending=False),
    Column("tags", 8, 24, 5),
    Column("differs", 28, 300, 6),
    Column("best", 16, 16, 9, lambda row: goodness(row.monitor, row.best)),
    Column("test", 8, 8, 7, lambda row: goodness(row.monitor, tested(row)), at_right=True),
    Column("epochs", 7, 13, 4, lambda row: row.epoch, at_right=True),
    Column("time", 9, 9, 3, lambda row: row.seconds, at_right=True),
    Column("started", 11, 16, 8, lambda row: row.started),
)
GROWTH = ("", "started", "preset", "epochs", "tags", "differs", "preset")
"""The columns that get the room that is left, in this order."""
SORTABLE = [column for column in COLUMNS if column.sort_key is not None]


def fitting(width: int, rows: Sequence[RunRow], marked_cells: int = 1) -> list[tuple[Column, int]]:
    """The columns that fit, each with its width in cells; that of the tags is there if a run has some.

    marked_cells: of the longest mark.
    """
    kept = [column for column in COLUMNS if column.name != "tags" or any(row.tags for row in rows)]
    while len(kept) > LEAST_COLUMNS and sum(column.least + GAP for column in kept) - GAP > width:
        kept.remove(min(kept, key=lambda column: column.rank))
    most = {column.name: column.most for column in kept}
    needed = {
        "": marked_cells,
        "preset": max((len(name_of(row)) for row in rows), default=0),
        "tags": max((len(tags_of(row)) for row in rows), default=0),
        "epochs": max((len(epochs_of(row)) for row in rows), default=0),
    }
    widths = {column.name: column.least for column in kept}
    spare = width - sum(widths.values()) - GAP * (len(kept) - 1)
    for name in GROWTH:
        if name not in widths:
            continue
        wanted = max(min(most[name], needed.get(name, most[name])) - widths[name], 0)
        # A date is shown with its year or without, never cut.
        more = min(wanted, max(spare, 0)) if name != "started" or wanted <= spare else 0
        widths[name] += more
        spare -= more
    return [(column, widths[column.name]) for column in kept]


def name_of(row: RunRow) -> str:
    """What a run is called in the table: its preset, or the name that it was given."""
    return row.run.name if row.run.started is None else row.preset_name or row.run.name


def tags_of(row: RunRow) -> str:
    """The tags of a run, each with a # before it."""
    return " ".join(f"#{tag}" for tag in row.tags)


def state_of(row: RunRow) -> str:
    """How a run stands, in a word."""
    if row.broken:
        return "broken"
    return "paused" if row.status == "running" and row.state == "paused" else row.status


def tested(row: RunRow) -> float | None:
    """The metric that chose the best epoch, on the test split."""
    return number((row.test or {}).get(row.monitor))


def number(value: object) -> float | None:
    """A number from a file that may hold anything."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def label_of(metric: str) -> str:
    """A metric as people write it."""
    return declared(metric).label


def written(metric: str, value: float | None) -> str:
    """A metric's value as people read it."""
    return "-" if value is None else declared(metric).write(value)


def epochs_of(row: RunRow) -> str:
    """Epochs done and planned; only those done, where a loop of the user's own does not tell how many it plans."""
    if row.epoch and not row.epochs:
        return count(row.epoch)
    return f"{count(row.epoch)}/{count(row.epochs)}"
