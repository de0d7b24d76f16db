"""One HTML page of a run, or of a comparison of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.files import write_text_atomically
from workbench.headless.export import Exported
from workbench.headless.options import Options
from workbench.report_page.record import read_record
from workbench.report_page.run_page import run_page
from workbench.runs.directory import RunDirectory


def export(runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
    """Writes the page. Raises UsageError, StorageError."""
    text = run_page(read_record(runs[0]))
    write_text_atomically(path, text)
    return Exported(str(path), len(text.encode()))
