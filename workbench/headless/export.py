"""`workbench export`: finds the runs, checks where to write, hands over to the kind, and says what was written.

A kind is a module `headless/exports/<kind>.py` with a function `export(runs, path, options) -> Exported`. It writes the
whole result or nothing (`workbench.files`), checks it, and only then returns.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.errors import EXIT_DONE, UsageError
from workbench.export_kinds import KINDS, NAMES, ExportKind
from workbench.files import exists, expanded, short_path
from workbench.headless.options import Options
from workbench.suggestion import nearest
from workbench.tuning.directory import StudyDirectory, find_run_or_study


@dataclass(frozen=True)
class Request:
    """What to export, and where to."""

    runs: tuple[str, ...]
    to: str
    out: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Exported:
    """What was written and checked."""

    path: str
    """Absolute."""
    bytes: int
    facts: dict[str, Any] = field(default_factory=dict)
    """What was measured, such as the largest difference to the checkpoint: plain values, for `--json`."""
    lines: tuple[str, ...] = ()
    """What to tell the user, a sentence a line."""


Exporter = Callable[[Sequence[Any], Path, Options], Exported]
"""Gets the directories of runs, or, where its kind takes one, the directory of a study."""


def export(request: Request, options: Options) -> int:
    """Exports and prints what was written; returns the exit code. Raises WorkbenchError, with nothing half-written."""
    exported = exported_to(request, options)
    if options.json_output:
        values = {name: value for name, value in asdict(exported).items() if name != "facts"}
        print(json.dumps({"type": "result", "to": request.to} | values | exported.facts))
    elif options.quiet:
        print(exported.path)
    else:
        for line in (*exported.lines, f"wrote {short_path(Path(exported.path))}"):
            print(line)
    return EXIT_DONE


def exported_to(request: Request, options: Options) -> Exported:
    """The same without a word. Raises WorkbenchError."""
    kind = kind_named(request.to)
    if len(request.runs) > 1 and not kind.takes_several:
        raise UsageError(f"--to {kind.name} takes one run, but {len(request.runs)} are named: export one after another")
    runs = [find_run_or_study(name, options.runs_folder, options.studies_folder) for name in request.runs]
    if studies := [each for each in runs if isinstance(each, StudyDirectory)]:
        _check_study(studies[0], kind)
    path = place(kind, kind.file_name(runs[0].name, len(runs)), request.out)
    if exists(path) and not request.overwrite:
        raise UsageError(f"{path} exists already: choose another --out, or replace it with --overwrite")
    exporter: Exporter = import_module(f"workbench.headless.exports.{kind.name}").export
    return exporter(runs, path, options)


def _check_study(study: StudyDirectory, kind: ExportKind) -> None:
    """Raises UsageError where a run is needed."""
    if kind.takes_study:
        return
    raise UsageError(
        f"{study.name} is a study, not a run: export one of its runs, which are in {short_path(study.trials)}, by its "
        f"path: workbench export {shlex.quote(short_path(study.trials))}/RUN --to {kind.name}"
    )


def kind_named(name: str) -> ExportKind:
    """The kind after `--to`. Raises UsageError, with the nearest name."""
    if name in KINDS:
        return KINDS[name]
    raise UsageError(f"--to {name} is not a kind of export{nearest(name, NAMES)}")


def place(kind: ExportKind, name: str, out: Path | None) -> Path:
    """Where to write, absolute: the name in the present folder, or in the folder `out`, or `out` itself."""
    if out is None:
        return Path(name).absolute()
    out = expanded(str(out))
    return (out / name if kind.suffix and exists(out) and out.is_dir() else out).absolute()
