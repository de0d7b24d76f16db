"""`workbench export --to onnx`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import UsageError
from workbench.headless.export import Exported
from workbench.headless.exports.model import export_file
from workbench.headless.options import Options
from workbench.runs.directory import RunDirectory

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Of the extra: to write the file, and to run it once."""


def export(runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
    """Exports one run. Raises WorkbenchError, with nothing half-written."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise UsageError(
            f"--to onnx needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'tuning-workbench[onnx]'"
        )
    return export_file("onnx", runs[0], path, options)
