"""Opening the app, with as little as possible between the command and the first screen."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from workbench import output
from workbench.errors import UsageError, WorkbenchError


def open_app(
    name: str | None,
    overrides: list[str],
    runs_dir: Path | None,
    attach: str | None,
    *,
    ascii: bool,
    low_bandwidth: bool,
) -> int:
    """Opens the app; returns the exit code. Raises UsageError where there is no terminal, no preset, no run.

    name: the preset to open, None for the last one; attach: the run to watch, empty for the latest that is going.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the app needs a terminal; to train without it: workbench --preset NAME")
    # Nothing that is imported is garbage; the collector comes back when the first screen has been painted.
    gc.disable()
    from workbench.runs.directory import default_runs_folder
    from workbench.ui import start
    from workbench.ui.options import AppOptions

    options = AppOptions(runs_folder=runs_dir or default_runs_folder(), ascii=ascii, low_bandwidth=low_bandwidth)
    return start.open_app(name, overrides, options, attach)


def open_plainly(name: str | None) -> int:
    """Opens the app when the command line has no options, and needs no parser; returns the exit code."""
    try:
        return open_app(name, [], None, None, ascii=False, low_bandwidth=False)
    except WorkbenchError as error:
        complain(error)
        return error.exit_code


def complain(error: WorkbenchError) -> None:
    """Says on stderr what is wrong."""
    output.console(stderr=True, soft_wrap=True).print("error:", style="bold red", end=" ")
    print(error, file=sys.stderr)
