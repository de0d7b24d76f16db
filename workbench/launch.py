"""Opens the app, with as little as possible between the command and the first screen."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from workbench import output
from workbench.errors import UsageError, WorkbenchError

KINDS_WITHOUT_CURSOR = ("", "dumb", "unknown")


def open_app(
    name: str | None,
    overrides: list[str],
    runs_dir: Path | None,
    attach: str | None,
    *,
    ascii: bool | None,
    low_bandwidth: bool,
    commands: tuple[str, ...] = (),
) -> int:
    """Opens the app; returns the exit code. Raises WorkbenchError where there is no terminal, no preset, no run.

    name: the preset to open, None for the last one; attach: the run to watch, empty for the latest in progress.
    ascii: None for as the terminal seems to need it. commands: what `name` may be a misspelling of, besides presets.
    """
    if name is not None:
        # Checked first: a misspelt command needs no terminal.
        from workbench.settings import library

        library.find(name, commands)
    if reason := why_no_app(sys.stdin.isatty() and sys.stdout.isatty(), os.environ.get("TERM", "")):
        raise UsageError(f"{reason}; to train without it: workbench --preset NAME")
    # Imports leave no garbage; the collector is enabled again after the first paint.
    gc.disable()
    from workbench.runs.directory import default_runs_folder
    from workbench.ui import start
    from workbench.ui.options import AppOptions

    options = AppOptions(
        runs_folder=runs_dir or default_runs_folder(),
        ascii=lacks_glyphs(os.environ) if ascii is None else ascii,
        low_bandwidth=low_bandwidth,
    )
    return start.open_app(name, overrides, options, attach)


def lacks_glyphs(environment: Mapping[str, str]) -> bool:
    """Whether a terminal seems to show ASCII only: the Linux console has no braille, other locales no UTF-8.

    A locale that is not set says nothing: in most containers it is not.
    """
    ctype = environment.get("LC_CTYPE", "")
    if ctype == "C.UTF-8":  # Python has put this there itself if the locale was C (PEP 538)
        ctype = ""
    locale = environment.get("LC_ALL") or ctype or environment.get("LANG", "")
    is_utf8 = "UTF8" in locale.upper().replace("-", "")
    return environment.get("TERM") == "linux" or (bool(locale) and not is_utf8)


def why_no_app(is_terminal: bool, kind: str) -> str:
    """Why the app cannot be shown here; empty where it can. kind: the kind of terminal, from TERM.

    A terminal that cannot move its cursor would paint once and answer no key.
    """
    if not is_terminal:
        return "the app needs a terminal"
    if kind in KINDS_WITHOUT_CURSOR:
        named = f"TERM is {kind}" if kind else "TERM is not set"
        return f"the app needs a terminal that it can draw on, and {named} (for most: export TERM=xterm-256color)"
    return ""


def open_plainly(name: str | None, commands: tuple[str, ...]) -> int:
    """Opens the app for a command line without options, without a parser; returns the exit code."""
    try:
        return open_app(name, [], None, None, ascii=False, low_bandwidth=False, commands=commands)
    except WorkbenchError as error:
        complain(error)
        return error.exit_code


def complain(error: WorkbenchError) -> None:
    """Prints an error on stderr."""
    output.console(stderr=True, soft_wrap=True).print("error:", style="bold red", end=" ")
    print(error, file=sys.stderr)
