"""The settings in which several runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.settings.renamed import with_present_paths

NAMES = ("name", "description")
"""Settings that say how a preset is called, not how it trains."""


def differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """By key path, the values in all runs, for settings whose values differ; None where a run lacks the setting.

    settings: of each run, by key path.
    """
    present = [with_present_paths(each) for each in settings]
    paths = dict.fromkeys(path for each in present for path in each if path not in NAMES)
    values = {path: [each.get(path) for each in present] for path in paths}
    return {
        path: found
        for path, found in values.items()
        if any(unless_empty(value) != unless_empty(found[0]) for value in found)
    }


def unless_empty(value: Any) -> Any:
    """A setting's value; None for an empty list, which a run's preset leaves out and a trial's settings name."""
    return None if value in ((), []) else value
