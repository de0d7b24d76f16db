"""The last run of the preset being edited, whose curves the charts show in grey while nothing runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.files import read_small
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.history import RunHistory, read_history
from workbench.runs.preset_text import PresetReader
from workbench.runs.status import ENDED, status

MOST_LOOKED_AT = 500
"""Of the newest runs, so that a folder of many thousand is not searched for a preset that has none."""
MOST_BYTES = 2**25
"""Of a run's events: a longer run is not read in passing."""
PAUSE_SECONDS = 0.01
"""Between two parts of a file: the app's own thread comes first."""


@dataclass(frozen=True)
class LastRun:
    """The latest run of a preset."""

    preset_name: str
    history: RunHistory | None
    """None where no run of it has trained and ended."""
    run: RunDirectory | None = None


def read_last_run(runs_folder: Path, preset_name: str) -> LastRun:
    """Finds the latest run of a preset that has ended and has trained, and reads it.

    Takes up to seconds, so not in the app's own thread. Raises OSError where the folder cannot be read.
    """
    presets = PresetReader()
    runs = sorted(list_runs(runs_folder), key=_written, reverse=True)
    for run in runs[:MOST_LOOKED_AT]:
        if _name_of(run, presets) == preset_name and status(run) in ENDED:
            history = _read(run)
            if history is not None and history.view.step:
                return LastRun(preset_name, history, run)
    return LastRun(preset_name, None)


def _written(run: RunDirectory) -> float:
    """When its trainer wrote last."""
    try:
        return run.events.stat().st_mtime
    except OSError:
        return 0.0


def _name_of(run: RunDirectory, presets: PresetReader) -> str:
    try:
        return str(presets.settings(read_small(run.preset)).get("name", ""))
    except (OSError, ValueError, RecursionError):
        return ""


def _read(run: RunDirectory) -> RunHistory | None:
    """The run's history, read in parts with pauses; None of a run that is too long."""
    with suppress(OSError):
        if run.events.stat().st_size <= MOST_BYTES:
            return read_history(run, PAUSE_SECONDS)
    return None
