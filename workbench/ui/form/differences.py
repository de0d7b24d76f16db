"""How a run's settings differ from the preset of its name, in a line of the list of runs."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from workbench.errors import PresetError
from workbench.runs.own_loop import KEY
from workbench.runs.row import RunRow
from workbench.settings import library
from workbench.settings.changes import in_words, read
from workbench.settings.preset import Preset
from workbench.settings.renamed import with_present_paths
from workbench.ui.form.fields import short_name

OWN = "settings."
"""How the paths of settings begin that a loop of the user's own has."""
REMEMBERED_SECONDS = 2.0
"""How long a preset's settings are kept before its file is read again, so that many runs of it read it once."""


@lru_cache(maxsize=1000)
def _settings_of(name: str, _now: int) -> dict[str, Any]:
    """The settings of the preset of that name; all defaults if there is none. Read once for all runs of it."""
    try:
        return library.load(name).flat()
    except PresetError:
        return Preset().flat()


def differs(row: RunRow) -> str:
    """The settings in which a run differs from the preset of its name, in a line; of a run without a preset, all."""
    if KEY in row.settings:
        own = {path.removeprefix(OWN): value for path, value in row.settings.items() if path.startswith(OWN)}
        return ", ".join(f"{name} {value}" for name, value in own.items())
    settings = _settings_of(row.preset_name, int(time.monotonic() / REMEMBERED_SECONDS))
    left_out = ("name", "description")

    found = [
        f"{short_name(path)} {value}"
        for path, value in with_present_paths(row.settings).items()
        if path not in (*left_out, "changes") and settings.get(path) != value
    ]
    if row.settings.get("changes", ()) != settings.get("changes", ()):
        rate = row.settings.get("optimizer.learning_rate")
        changes = in_words(rate if isinstance(rate, int | float) else None, read(row.settings.get("changes")))
        # First, so that a narrow column shows it: nobody looks for it in the settings.
        found.insert(0, f"learning rate {changes}" if changes else "no changes of the learning rate")
    return ", ".join(found)
