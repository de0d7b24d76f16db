"""What `workbench runs` prints: a line a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import output
from workbench.errors import EXIT_DONE, UsageError
from workbench.headless.run_query import RunQuery
from workbench.metrics import metric
from workbench.runs.row import RunRow
from workbench.settings.run_keys import status_of
from workbench.units import age_in_words, count

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("status", "name", "epochs", "best", "age", "directory", "study")
NARROW_COLUMNS = ("status", "run", "epochs", "best", "age", "study")
"""Where the terminal has no room for the others. The run is enough of its name for `workbench resume`."""
MOST_CELLS = 10_000
"""Wider than any table: a terminal's own width would limit what is measured."""
STYLES = {"running": "cyan", "completed": "green", "stopped": "yellow", "failed": "red", "lost": "red", "broken": "red"}
"""By the text in the column status."""


def list_runs(
    folder: Path, query: RunQuery, *, study: str = "", studies_folder: Path | None = None, json_output: bool = False
) -> int:
    """Lists the runs of a folder, or those of a study; returns the exit code. Raises UsageError, StorageError.

    study: the id of the study, or a part of it. Its trials are in its own directory, which is looked for too.
    """
    from workbench.runs.catalogue import Catalogue

    rows, where = Catalogue(folder).rows(), f"in {folder.absolute()}"
    if study:
        rows, where = _of_study(study, rows, folder, studies_folder), f"of the study {study}"
    shown = query.select(rows)
    if json_output:
        for row in shown:
            print(json.dumps(as_json(row)))
    elif not rows:
        print(f"there are no runs {where}", file=sys.stderr)
    elif not shown:
        print(f"no run {where} is like that ({count(len(rows))} in all)", file=sys.stderr)
    elif sys.stdout.isatty():
        _print_table(shown)
    else:
        for row in shown:
            # For cut and awk; and rich, which takes a while to import, is not needed.
            print("\t".join(" ".join(cell.split()) for cell in cells(row)))
    return EXIT_DONE


def _of_study(study: str, rows: Sequence[RunRow], folder: Path, studies_folder: Path | None) -> list[RunRow]:
    from workbench.runs.catalogue import Catalogue
    from workbench.tuning.directory import default_studies_folder, list_studies

    studies_folder = studies_folder or default_studies_folder()
    found = {row.run.path: row for row in rows if study in (row.study or "")}
    named = [directory for directory in list_studies(studies_folder) if study in directory.name]
    if not found and not named:
        raise UsageError(
            f"there is no study {study!r} in {studies_folder.absolute()}, and no run of it in {folder.absolute()}"
        )
    for directory in reversed(named):
        found |= {row.run.path: row for row in Catalogue(directory.trials).rows()}
    return list(found.values())


def as_json(row: RunRow) -> dict[str, Any]:
    """A run as JSON values; unknown ones are null."""
    return {
        "name": row.run.name,
        "status": row.status,
        "preset": row.preset_name or None,
        "epoch": row.epoch,
        "epochs": row.epochs,
        "monitor": row.monitor or None,
        "best": row.best,
        "started": None if row.started is None else row.started.isoformat(),
        "seconds": row.seconds,
        "reason": row.reason or None,
        "study": row.study or None,
        "tags": list(row.tags),
        "note": row.note or None,
        "pinned": row.pinned,
        "device": row.device or None,
        "directory": str(row.run.path),
    }


def cells(row: RunRow, now: datetime | None = None) -> tuple[str, ...]:
    """The texts of the COLUMNS; a dash for an unknown value. now: with a time zone."""
    from workbench.files import short_path

    return (
        status_of(row),
        row.preset_name or row.run.name,
        *_progress(row, now),
        short_path(row.run.path),
        _study(row),
    )


def narrow_cells(row: RunRow, now: datetime | None = None) -> tuple[str, ...]:
    """The texts of the NARROW_COLUMNS."""
    name = row.run.name if row.run.started is None else row.run.name.partition("-")[2]
    return (status_of(row), name, *_progress(row, now), _study(row))


def _study(row: RunRow) -> str:
    return row.study or "-"


def _progress(row: RunRow, now: datetime | None) -> tuple[str, str, str]:
    """Epochs, best and age."""
    epochs = f"{count(row.epoch)}/{count(row.epochs)}" if row.epochs else count(row.epoch) if row.epoch else "-"
    monitor = metric(row.monitor)
    best = "-" if row.best is None else f"{monitor.label} {monitor.write(row.best)}"
    age = "-" if row.started is None else age_in_words(((now or datetime.now(UTC)) - row.started).total_seconds())
    return epochs, best, age


def _print_table(rows: Sequence[RunRow]) -> None:
    """Prints all columns where the terminal has room for them; otherwise fewer, and the folders once."""
    from rich.text import Text

    from workbench.files import short_path

    console = output.console()
    table = _table(COLUMNS, [cells(row) for row in rows], rows, MOST_CELLS)
    if console.measure(table, options=console.options.update(width=MOST_CELLS)).maximum <= console.width:
        console.print(table)
        return
    console.print(_table(NARROW_COLUMNS, [narrow_cells(row) for row in rows], rows, console.width))
    folders = dict.fromkeys(short_path(row.run.path.parent) for row in rows)
    console.print(Text(f"in {', '.join(folders)}", style="dim"), overflow="fold")


def _table(columns: tuple[str, ...], lines: Sequence[tuple[str, ...]], rows: Sequence[RunRow], room: int) -> Table:
    """A table; the last columns, the study and the tags, are left out where no run has one.

    room: names are shortened to fit it.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from workbench.headless.fitting import shrunk, widths_of

    if all(line[-1] == "-" for line in lines):
        columns, lines = columns[:-1], [line[:-1] for line in lines]
    if any(row.tags for row in rows):
        columns = (*columns, "tags")
        lines = [(*line, " ".join(row.tags)) for line, row in zip(lines, rows, strict=True)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    widths = widths_of(columns, lines)
    names = [columns.index(name) for name in ("study", "run", "tags") if name in columns]
    for column, width in zip(columns, shrunk(widths, room, names), strict=True):
        table.add_column(column, no_wrap=True, overflow="ellipsis", max_width=width)
    for status, *others in lines:
        table.add_row(Text(status, style=STYLES.get(status, "")), *map(Text, others))
    return table
