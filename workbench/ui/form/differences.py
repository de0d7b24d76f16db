"""How a run's settings differ from the preset of its name, for the list of runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from workbench.errors import PresetError
from workbench.runs.own_loop import KEY
from workbench.runs.row import RunRow
from workbench.settings import library
from workbench.settings.changes import in_words, read
from workbench.settings.differing import NAMES
from workbench.settings.preset import Preset
from workbench.settings.renamed import with_present_paths
from workbench.settings.run_keys import OWN, labels_of_settings
from workbench.ui.form.parsing import shown

CHANGES = "changes"
"""The setting that holds the learning rates that were set by hand."""
LEFT_OUT = (*NAMES, CHANGES)
REMEMBERED_SECONDS = 2.0
"""How long a preset's settings are kept before its file is read again, so that many runs of it read it once."""


@lru_cache(maxsize=1000)
def _settings_of(name: str, _now: int) -> dict[str, Any]:
    """The settings of the preset of that name; all defaults if there is none. Read once for all runs of it."""
    try:
        return library.load(name).flat()
    except PresetError:
        return Preset().flat()


def differing(row: RunRow) -> dict[str, Any]:
    """By key path, the settings in which a run differs from the preset of its name; of a run without a preset, all."""
    if KEY in row.settings:
        return {path: value for path, value in row.settings.items() if path.startswith(OWN)}
    preset = _settings_of(row.preset_name, int(time.monotonic() / REMEMBERED_SECONDS))
    found = {
        path: value
        for path, value in with_present_paths(row.settings).items()
        if path not in LEFT_OUT and preset.get(path) != value
    }
    if row.settings.get(CHANGES, ()) != preset.get(CHANGES, ()):
        # First, so that a narrow column shows it: nobody looks for it in the settings.
        found = {CHANGES: row.settings.get(CHANGES, ()), **found}
    return found


def in_a_line(row: RunRow, settings: Mapping[str, Any]) -> str:
    """Settings of a run in a line: `learning rate 0.01, seed 3`."""
    labels = labels_of_settings(settings)
    return ", ".join(_in_words(row, path, labels[path], value) for path, value in settings.items())


def _in_words(row: RunRow, path: str, label: str, value: Any) -> str:
    if path != CHANGES:
        return f"{label} {shown(value) or 'none'}"
    rate = row.settings.get("optimizer.learning_rate")
    changes = in_words(rate if isinstance(rate, int | float) else None, read(value))
    return f"learning rate {changes}" if changes else "no changes of the learning rate"
