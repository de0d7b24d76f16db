"""The curves of a run as CSV: each step, each epoch, each reading of time and memory, a file each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import UsageError
from workbench.headless.export import Exported
from workbench.headless.exports.folders import write_folder
from workbench.headless.options import Options
from workbench.report_page.tables import read_tables
from workbench.runs.directory import RunDirectory
from workbench.units import counted, size


def export(runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
    """Writes a folder of tables. Raises UsageError where the run has no curves, StorageError."""
    [run] = runs
    tables = read_tables(run).named()
    if not tables:
        raise UsageError(f"the run {run.name} has no curves yet: it has not trained a step")
    rows: dict[str, int] = {}

    def write(folder: Path) -> None:
        for name, lines in tables.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                rows[name] = sum(1 for _ in map(writer.writerow, lines)) - 1

    written = write_folder(path, ".csv", write)
    said = ", ".join(f"{name}.csv with {counted(number, 'row')}" for name, number in rows.items())
    return Exported(str(path), written, {"rows": rows}, (f"{said}; {size(written)}",))
