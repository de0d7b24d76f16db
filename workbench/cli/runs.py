"""`workbench runs`: what has been trained, the newest first."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench import output
from workbench.cli import parameters
from workbench.cli.exit_codes import end_with
from workbench.errors import EXIT_DONE

if TYPE_CHECKING:
    from workbench.runs.row import RunRow

COLUMNS = ("status", "name", "epochs", "best", "age", "directory", "study")


def runs(
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object a run, with the exact values.")] = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """List runs, the newest first: status, name, epochs, best value of the monitored metric, age, directory, study."""
    from workbench.runs.directory import default_runs_folder

    def print_runs() -> int:
        from workbench.runs.catalogue import Catalogue

        rows = Catalogue(runs_dir or default_runs_folder()).rows()
        if json_output:
            for row in rows:
                print(json.dumps(as_json(row)))
        elif sys.stdout.isatty():
            _print_table(rows)
        else:
            for row in rows:
                # For cut and awk; and rich, which takes a while to import, is not needed.
                print("\t".join(" ".join(cell.split()) for cell in cells(row)))
        return EXIT_DONE

    end_with(print_runs)


def as_json(row: RunRow) -> dict[str, Any]:
    """A run in numbers: what is not known is null."""
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
    """What stands in each of the COLUMNS; a dash for what is not known. now: with a time zone."""
    from workbench.files import short_path

    best = "-" if row.best is None else f"{row.monitor} {row.best:.4g}"
    age = "-" if row.started is None else age_in_words(((now or datetime.now(UTC)) - row.started).total_seconds())
    return (
        "broken" if row.broken else row.status,
        row.preset_name or row.run.name,
        f"{row.epoch}/{row.epochs}",
        best,
        age,
        short_path(row.run.path),
        row.study or "-",
    )


def age_in_words(seconds: float) -> str:
    """How long ago, in the largest unit that fits: 12 s, 5 min, 3 h, 9 d."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:,.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _print_table(rows: list[RunRow]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    shown = COLUMNS if any(row.study for row in rows) else COLUMNS[:-1]
    for column in shown:
        table.add_column(column, no_wrap=column != "directory", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, cells(row)[: len(shown)]))
    output.console().print(table)
