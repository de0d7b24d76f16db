"""`workbench runs`: lists runs, the newest first."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench import output
from workbench.cli import parameters
from workbench.cli.exit_codes import end_with
from workbench.errors import EXIT_DONE
from workbench.metrics import metric
from workbench.units import count

if TYPE_CHECKING:
    from rich.table import Table

    from workbench.runs.row import RunRow

COLUMNS = ("status", "name", "epochs", "best", "age", "directory", "study")
NARROW_COLUMNS = ("status", "run", "epochs", "best", "age", "study")
"""Where the terminal has no room for the others. The run is enough of its name for `workbench resume`."""
MOST_CELLS = 10_000
"""Wider than any table: a terminal's own width would limit what is measured."""
STYLES = {"running": "cyan", "completed": "green", "stopped": "yellow", "failed": "red", "lost": "red", "broken": "red"}
"""By the text in the column status."""


def runs(
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object a run, with the exact values.")] = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """List runs, the newest first: status, name, epochs, best value of the monitored metric, age, directory, study."""
    from workbench.runs.directory import default_runs_folder

    def print_runs() -> int:
        from workbench.runs.catalogue import Catalogue

        folder = runs_dir or default_runs_folder()
        rows = Catalogue(folder).rows()
        if json_output:
            for row in rows:
                print(json.dumps(as_json(row)))
        elif not rows:
            print(f"there are no runs in {folder.absolute()}", file=sys.stderr)
        elif sys.stdout.isatty():
            _print_table(rows, folder)
        else:
            for row in rows:
                # For cut and awk; and rich, which takes a while to import, is not needed.
                print("\t".join(" ".join(cell.split()) for cell in cells(row)))
        return EXIT_DONE

    end_with(print_runs)


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
        "directory": str(row.run.path),
    }


def cells(row: RunRow, now: datetime | None = None) -> tuple[str, ...]:
    """The texts of the COLUMNS; a dash for an unknown value. now: with a time zone."""
    from workbench.files import short_path

    return (_status(row), row.preset_name or row.run.name, *_progress(row, now), short_path(row.run.path), _study(row))


def narrow_cells(row: RunRow, now: datetime | None = None) -> tuple[str, ...]:
    """The texts of the NARROW_COLUMNS."""
    name = row.run.name if row.run.started is None else row.run.name.partition("-")[2]
    return (_status(row), name, *_progress(row, now), _study(row))


def _status(row: RunRow) -> str:
    return "broken" if row.broken else row.status


def _study(row: RunRow) -> str:
    return row.study or "-"


def _progress(row: RunRow, now: datetime | None) -> tuple[str, str, str]:
    """Epochs, best and age."""
    epochs = f"{count(row.epoch)}/{count(row.epochs)}" if row.epochs else "-"
    monitor = metric(row.monitor)
    best = "-" if row.best is None else f"{monitor.label} {monitor.write(row.best)}"
    age = "-" if row.started is None else age_in_words(((now or datetime.now(UTC)) - row.started).total_seconds())
    return epochs, best, age


def age_in_words(seconds: float) -> str:
    """How long ago, in the largest unit that fits: 12 s, 5 min, 3 h, 9 d."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:,.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _print_table(rows: list[RunRow], folder: Path) -> None:
    """Prints all columns where the terminal has room for them; otherwise fewer, and the folder once."""
    from rich.text import Text

    from workbench.files import short_path

    console = output.console()
    table = _table(COLUMNS, [cells(row) for row in rows])
    if console.measure(table, options=console.options.update(width=MOST_CELLS)).maximum <= console.width:
        console.print(table)
        return
    console.print(_table(NARROW_COLUMNS, [narrow_cells(row) for row in rows]))
    console.print(Text(f"in {short_path(folder.absolute())}", style="dim"), overflow="fold")


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    """A table whose last column, the study, is left out where no run belongs to one."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if all(row[-1] == "-" for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for status, *others in rows:
        table.add_row(Text(status, style=STYLES.get(status, "")), *map(Text, others))
    return table
