"""Starts the app: finds the preset to open and the run to watch."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path

from workbench.errors import EXIT_DONE, PresetError, UsageError
from workbench.files import expanded, is_file
from workbench.foreign_logs.find import find_log
from workbench.foreign_logs.mirror import Mirror
from workbench.runs.directory import RunDirectory, find_run, list_runs
from workbench.runs.lock import is_running
from workbench.runs.own_loop import read_own_loop
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.ui.options import AppOptions

FIRST_PRESET = "fast"
"""The preset of the first start: its data is bundled, and it trains in a second or two."""


def open_app(name: str | None, overrides: list[str], options: AppOptions, attach: str | None) -> int:
    """Runs the app until the user quits; returns the exit code. Raises UsageError before the screen is taken over.

    name: the preset to open, None for the last one; attach: the run to watch, or another program's log; empty for the
    latest run in progress.
    """
    run = None if attach is None else _run_to_attach(attach, options.runs_folder)
    from workbench.ui.app import WorkbenchApp
    from workbench.ui.form.draft import Draft
    from workbench.ui.live.remembered import Remembered

    remembered = Remembered.load()
    preset, path, not_opened = _preset_to_open(name, remembered.preset, run)
    draft = Draft(preset, path)
    if overrides:
        draft.take(draft.preset.override(overrides))
    app = WorkbenchApp(draft, options, run, remembered=remembered, not_opened=not_opened)
    threading.Thread(target=_end_with_terminal, daemon=True).start()
    app.run()
    return app.return_code or EXIT_DONE


def _end_with_terminal() -> None:
    """Ends the app when its terminal is gone: Textual would keep reading from nothing.

    A lost connection usually sends SIGHUP first; a terminal that does not control the session sends none.
    """
    watcher = select.poll()
    watcher.register(sys.stdin.fileno(), 0)  # a hang-up is reported even if no event is asked for
    watcher.poll()
    os.kill(os.getpid(), signal.SIGKILL if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else signal.SIGHUP)


def _run_to_attach(name: str, runs_folder: Path) -> RunDirectory:
    if name:
        path = expanded(name)
        if path.exists() and not is_file(RunDirectory(path).preset) and (log := find_log(path)) is not None:
            mirror = Mirror(log)
            mirror.start()
            return mirror.run
        return find_run(runs_folder, name)
    running = [run for run in list_runs(runs_folder) if is_running(run)]
    if not running:
        raise UsageError(f"no run is in progress in {runs_folder.absolute()}; `workbench` and then r shows all runs")
    return running[-1]


def _preset_to_open(name: str | None, last: str, run: RunDirectory | None) -> tuple[Preset, Path | None, str]:
    """Finds the preset asked for; else the one of the run that is watched, the last one, or the first.

    Returns the preset, its file if it has one, and why the last one could not be opened: it may have been moved or
    broken meanwhile, and the app must open nevertheless.
    """
    if name is not None:
        path = library.find(name)
        return library.load_file(path), path, ""
    if run is not None and read_own_loop(run.preset) is None:
        return Preset.of_run(run.preset), None, ""
    not_opened = ""
    if last:
        try:
            return library.load_file(Path(last)), Path(last), ""
        except PresetError as error:
            not_opened = str(error)
    path = library.find(FIRST_PRESET)
    return Preset.load(path), path, not_opened
