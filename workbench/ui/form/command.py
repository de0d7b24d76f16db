"""The command line that trains a preset without the app: the nearest preset by name, and what differs from it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import PresetError
from workbench.settings import library
from workbench.settings.assignments import switched
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.toml_text import from_toml, toml
from workbench.ui.form.fields import fields_of, model_of

_BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]*")


def command_line(preset: Preset, path: Path | None, searched: Mapping[str, str] | None = None) -> str:
    """`workbench --preset NAME --set key=value ...`, quoted for a shell.

    searched: ranges by path of the setting; with some, it is the command that searches them.

    The settings are given relative to a preset. That is the one opened from `path`; without a path, or if it cannot be
    read any more, the preset of the same name; without that, the one that differs least.
    """
    name, assignments = _base(preset, path)
    words = ["workbench", *(["tune", "search"] if searched else []), "--preset", name]
    for assignment in assignments:
        words += ["--set", assignment]
    for setting, text in (searched or {}).items():
        words += ["--search", f"{setting}={text}"]
    return shlex.join(words)


def assignments(base: Preset, target: Preset) -> list[str]:
    """The fewest `key=value` with which `base.override` gives `target`."""
    before, after = base.without_search().to_mapping(), target.without_search().to_mapping()
    found = [_assignment([key], after[key]) for key in ("name", "description") if before[key] != after[key]]
    if base.changes != target.changes:
        found.append(_assignment(["changes"], after["changes"]))
    for table in (key for key, value in after.items() if isinstance(value, dict)):
        then, now = before[table], after[table]
        if table in FAMILIES:
            tag = FAMILIES[table].tag
            if then[tag] != now[tag]:
                found.append(_assignment([table, tag], now[tag]))
                then = _after_switch(table, then, now[tag])
        # Compared as TOML: in Python, 1, 1.0 and True are equal.
        differing = [key for key, value in now.items() if key not in then or toml(then[key]) != toml(value)]
        found += [_assignment([table, key], now[key]) for key in differing]
    return found


def _after_switch(family: str, table: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The table that `Preset.override` makes if only another choice is named."""
    defaults = {field.key: field.default for field in fields_of(model_of(family, label)) if not field.is_required}
    return defaults | switched(FAMILIES[family], table, label)


def _assignment(path: list[str], value: Any) -> str:
    return f"{'.'.join(path)}={_argument(value)}"


def _argument(value: Any) -> str:
    """A value as `--set` reads it: a bare word where that gives the same text, else TOML."""
    if isinstance(value, str) and _BARE_WORD.fullmatch(value) and from_toml(value) == value:
        return value
    return toml(value)


def _base(preset: Preset, path: Path | None) -> tuple[str, list[str]]:
    """The preset to start from, as `--preset` finds it, and what is to be changed."""
    preset = preset.with_absolute_paths()  # the command may be given in another folder
    if path is not None:
        try:
            return _name_of(path), assignments(library.load_file(path).with_absolute_paths(), preset)
        except PresetError:
            pass  # deleted or broken since
    candidates = {}
    for name in library.names():
        try:
            candidates[name] = assignments(library.load(name).with_absolute_paths(), preset)
        except PresetError:
            continue  # a broken file in a preset folder
    if preset.name in candidates:
        return preset.name, candidates[preset.name]
    return min(candidates.items(), key=lambda item: len(item[1]))


def _name_of(path: Path) -> str:
    """The short name, if it leads to this very file."""
    try:
        if library.find(path.stem).resolve() == path.resolve():
            return path.stem
    except (PresetError, OSError):
        pass
    return str(path)
