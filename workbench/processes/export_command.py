"""Runs `workbench export` as a process of its own, for the app, which imports neither PyTorch nor what exports.

Its output goes to files, not to pipes: if the app ends first, the export is still written to its end.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from workbench.errors import TrainerLostError, WorkbenchError
from workbench.printable import without_sequences

POLL_SECONDS = 0.1
MOST_BYTES = 2**20
"""Of the process's output that are read."""
NARRATION_VARIABLE = "WORKBENCH_NARRATION"
"""Set where the command shall write what it is doing to stderr, a line each, though that is no terminal."""
ERROR = "error: "
"""How the command begins what is wrong."""


@dataclass(frozen=True)
class ExportRequest:
    """What to export, and where to."""

    runs: tuple[Path, ...]
    """Directories of runs."""
    to: str
    """The name of a kind in `workbench.export_kinds`."""
    out: Path
    overwrite: bool = False


@dataclass(frozen=True)
class Written:
    """What was written, and what was checked."""

    path: Path
    lines: tuple[str, ...]
    """Sentences about it."""


def command_line(request: ExportRequest) -> tuple[str, ...]:
    """The command that exports."""
    runs = [str(run) for run in request.runs]
    overwrite = ["--overwrite"] if request.overwrite else []
    options = ["--to", request.to, "--out", str(request.out), "--json", *overwrite]
    return sys.executable, "-P", "-m", "workbench", "export", *options, "--", *runs


async def run_export(request: ExportRequest, report: Callable[[str], object]) -> Written:
    """Exports. Cancelled, it leaves the process to itself. Raises WorkbenchError, in the command's own words.

    report: is called with what the process says it is doing.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as narration:
        try:
            process = subprocess.Popen(
                command_line(request),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=narration,
                start_new_session=True,
                env=os.environ | {"NO_COLOR": "1", "TERM": "dumb", NARRATION_VARIABLE: "1"},
            )
        except OSError as error:
            raise TrainerLostError(f"cannot start {sys.executable}: {error.strerror}") from error
        while process.poll() is None:
            if (lines := _lines(narration)) and not lines[-1].startswith(ERROR):
                report(lines[-1])
            await asyncio.sleep(POLL_SECONDS)
        if process.returncode == 0 and (written := _written(_lines(output))) is not None:
            return written
        raise WorkbenchError(_problem(_lines(narration), process.returncode))


def _lines(file: IO[bytes]) -> list[str]:
    """What was written to a file so far. The process writes at the file's own place, which must not be moved."""
    size = os.fstat(file.fileno()).st_size
    text = os.pread(file.fileno(), MOST_BYTES, max(size - MOST_BYTES, 0)).decode(errors="replace")
    return [line for line in map(without_sequences, text.splitlines()) if line.strip()]


def _written(lines: list[str]) -> Written | None:
    """The result in the command's last line; None where it is none."""
    try:
        found = json.loads(lines[-1])
        return Written(Path(found["path"]), tuple(map(str, found.get("lines", ()))))
    except (IndexError, ValueError, TypeError, KeyError):
        return None


def _problem(lines: list[str], exit_code: int) -> str:
    """What went wrong, in the command's own words."""
    starts = [place for place, line in enumerate(lines) if line.startswith(ERROR)]
    if starts:
        return "\n".join(lines[starts[-1] :]).removeprefix(ERROR)
    ended = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    return "\n".join([f"the export {ended} without saying why", *lines[-1:]])
