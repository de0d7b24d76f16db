"""The charts of a run, or of several runs over each other, as SVG files for a light background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.errors import UsageError
from workbench.headless.export import Exported
from workbench.headless.exports.folders import write_folder
from workbench.headless.exports.report import check_runs
from workbench.headless.options import Options
from workbench.report_page.comparison_page import names_of
from workbench.report_page.curves import charts_of
from workbench.report_page.record import read_records
from workbench.report_page.svg_file import standalone
from workbench.runs.directory import RunDirectory
from workbench.tuning.sides import side_of
from workbench.units import size


def export(runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
    """Writes a folder of charts. Raises UsageError where there are none, PresetError, StorageError."""
    check_runs(runs)
    records = read_records(runs)
    names = names_of(records, list(map(side_of, runs))) if len(runs) > 1 else ()
    charts = charts_of(records, names)
    if not charts:
        raise UsageError(f"the run {runs[0].name} has no curves yet: it has not trained a step")

    def write(folder: Path) -> None:
        for chart in charts:
            (folder / f"{chart.id}.svg").write_text(standalone(chart), encoding="utf-8")

    written = write_folder(path, ".svg", write)
    drawn = ", ".join(chart.id for chart in charts)
    return Exported(str(path), written, {"charts": [chart.id for chart in charts]}, (f"{drawn}; {size(written)}",))
