"""`workbench export --to safetensors`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.headless.export import Exported
from workbench.headless.exports.model import export_file
from workbench.headless.options import Options
from workbench.runs.directory import RunDirectory


def export(runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
    """Exports one run. Raises WorkbenchError, with nothing half-written."""
    return export_file("safetensors", runs[0], path, options)
