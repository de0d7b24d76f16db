"""The settings in which the presets of a queue differ from its first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import UsageError
from workbench.settings.preset import FAMILIES, Preset
from workbench.tuning.described import described, differing


def queue_changes(presets: Sequence[Preset]) -> tuple[dict[str, Any], ...]:
    """For each preset, the settings that make it of the first. Raises UsageError where no settings do."""
    first = presets[0].without_search()
    return tuple(_changes(first, preset.without_search()) for preset in presets)


def _changes(first: Preset, preset: Preset) -> dict[str, Any]:
    here, there = first.flat(), preset.flat()
    switched = [
        name for name, family in FAMILIES.items() if here[f"{name}.{family.tag}"] != there[f"{name}.{family.tag}"]
    ]
    found = {
        path: value
        for path, value in there.items()
        if path.partition(".")[0] in switched or path not in here or here[path] != value
    }
    if first.with_values(found, preset.name) != preset:
        raise UsageError(f"{first.name} and {preset.name} cannot be queued together; start each by itself")
    return found


def origin_of(preset: Preset, changed: Sequence[str]) -> str:
    """What a training is: its preset, and the settings that were given for it, with their values.

    changed: the paths of these settings.
    """
    values = {path: value for path, value in preset.flat().items() if path in changed}
    return f"{preset.name}: {described(values)}" if values else preset.name


def queue_origins(name: str, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each training is: its preset, and where several have the same one, the settings that differ from the first.

    name: of the first preset.
    """
    names = [str(each.get("name", name)) for each in changes]
    found = []
    for own, each in zip(names, changes, strict=True):
        differs = described(differing(each, changes[names.index(own)]))
        found.append(f"{own}: {differs}" if differs else own)
    return found
