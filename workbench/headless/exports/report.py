"""One HTML page of a run, of a study, or of a comparison of several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.atomic_files import write_text_atomically
from workbench.errors import UsageError
from workbench.headless.export import Exported
from workbench.headless.options import Options
from workbench.report_page.comparison_page import comparison_page
from workbench.report_page.curves import MOST_RUNS
from workbench.report_page.record import read_record, read_records
from workbench.report_page.run_page import run_page
from workbench.report_page.study_page import read_study, study_page
from workbench.runs.directory import RunDirectory
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.sides import Side, read_side, side_of
from workbench.units import size


def export(runs: Sequence[RunDirectory | StudyDirectory], path: Path, options: Options) -> Exported:
    """Writes the page. Raises UsageError, PresetError, StorageError."""
    check_runs(runs)
    [first, *others] = runs
    if not others and isinstance(first, StudyDirectory):
        return _written(study_page(read_study(first)), "a study", path)
    if not others and isinstance(first, RunDirectory):
        return _written(run_page(read_record(first)), "a run", path)
    sides = [side_of(run) if isinstance(run, RunDirectory) else _side_of_study(run, options) for run in runs]
    page = comparison_page(read_records(map(_drawn, sides)), sides)
    return _written(page, f"a comparison of {len(runs)} {'studies' if sides[0].is_study else 'runs'}", path)


def _side_of_study(study: StudyDirectory, options: Options) -> Side:
    return read_side(str(study.path), options.runs_folder, options.studies_folder)


def _drawn(side: Side) -> RunDirectory:
    """The run whose curves are drawn: of a study, that of its first seed."""
    if side.first.run is None:
        raise UsageError(
            f"the trials of {side.name} were trained together, without runs of their own that could be drawn: "
            "see `workbench compare`"
        )
    return side.first.run


def _written(page: str, what: str, path: Path) -> Exported:
    write_text_atomically(path, page)
    written = path.stat().st_size
    return Exported(str(path), written, lines=(f"a report of {what}, {size(written)}; any browser opens it",))


def check_runs(runs: Sequence[RunDirectory | StudyDirectory]) -> None:
    """Raises UsageError for more runs than can be told apart in a chart, and for one that was given twice."""
    if len(runs) > MOST_RUNS:
        raise UsageError(
            f"a comparison takes at most {MOST_RUNS} runs, whose curves can be told apart; you gave {len(runs)}"
        )
    for place, run in enumerate(runs):
        if run in runs[:place]:
            raise UsageError(f"{run.name} was given twice: there is nothing to compare it with")
