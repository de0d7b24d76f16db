"""One HTML page of a run, of a comparison of runs, or of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from workbench.errors import UsageError
from workbench.files import write_text_atomically
from workbench.headless.export import Exported
from workbench.headless.options import Options
from workbench.report_page.comparison_page import comparison_page
from workbench.report_page.curves import MOST_RUNS
from workbench.report_page.record import read_record, read_records
from workbench.report_page.run_page import run_page
from workbench.report_page.study_page import read_study, study_page
from workbench.runs.directory import RunDirectory
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.sides import side_of
from workbench.units import size


def export(runs: Sequence[RunDirectory] | Sequence[StudyDirectory], path: Path, options: Options) -> Exported:
    """Writes the page. Raises UsageError, PresetError, StorageError."""
    if isinstance(runs[0], StudyDirectory):
        return _written(study_page(read_study(runs[0])), "a study", path)
    return _written(*_page_of(cast("Sequence[RunDirectory]", runs)), path)


def _page_of(runs: Sequence[RunDirectory]) -> tuple[str, str]:
    """The page, and what it is of."""
    check_runs(runs)
    if len(runs) == 1:
        return run_page(read_record(runs[0])), "a run"
    return comparison_page(read_records(runs), list(map(side_of, runs))), f"a comparison of {len(runs)} runs"


def _written(page: str, what: str, path: Path) -> Exported:
    write_text_atomically(path, page)
    written = path.stat().st_size
    return Exported(str(path), written, lines=(f"a report of {what}, {size(written)}; any browser opens it",))


def check_runs(runs: Sequence[RunDirectory]) -> None:
    """Raises UsageError for more runs than can be told apart in a chart, and for one that was given twice."""
    if len(runs) > MOST_RUNS:
        raise UsageError(
            f"a comparison takes at most {MOST_RUNS} runs, whose curves can be told apart; you gave {len(runs)}"
        )
    for place, run in enumerate(runs):
        if run in runs[:place]:
            raise UsageError(f"{run.name} was given twice: there is nothing to compare it with")
