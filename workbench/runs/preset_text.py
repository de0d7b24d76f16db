"""Reads the settings in the preset of a run, without the classes that declare them.

Thousands of runs differ in a few settings, so a statement that was read before, to the letter, is not parsed again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

MOST_KNOWN = 50_000
"""Statements remembered before all are forgotten."""
_TABLE = re.compile(r"^\[([A-Za-z0-9_-]+)\]\n", re.MULTILINE)
_STATEMENT = re.compile(r"([A-Za-z0-9_-]+ = (?:\[\n(?: +[^\n]*,\n)*\]|\"[^\"\\\n]*\"|[a-z0-9.+-]+)\n)")
"""The statements of a saved preset: a key and a word, a number, a plain text, or a list over several lines."""


class PresetReader:
    """Reads presets, and remembers their statements."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Any]] = {}

    def settings(self, text: str) -> dict[str, Any]:
        """All settings by key path, such as optimizer.learning_rate. Raises ValueError, RecursionError."""
        settings = self._plain(text)
        return flattened(tomllib.loads(text)) if settings is None else settings

    def _plain(self, text: str) -> dict[str, Any] | None:
        """The settings of a text of plain statements, as presets are saved; None for any other."""
        first, *rest = _TABLE.split(text)
        settings: dict[str, Any] = {}
        count = 0
        prefixes = ["", *(f"{name}." for name in rest[::2])]
        for prefix, table in zip(prefixes, [first, *rest[1::2]], strict=True):
            between = _STATEMENT.split(table)
            if any(map(str.strip, between[::2])):
                return None
            for statement in between[1::2]:
                key, value = self._known.get(statement) or self._learn(statement)
                settings[prefix + key] = value
                count += 1
        # A key that is there twice is an error, which TOML reports in its own words.
        is_once = len(settings) == count and len(set(prefixes)) == len(prefixes)
        return settings if is_once and settings.keys().isdisjoint(rest[::2]) else None

    def _learn(self, statement: str) -> tuple[str, Any]:
        [(key, value)] = flattened(tomllib.loads(statement)).items()
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[statement] = key, value
        return key, value


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as key paths; lists as tuples, as settings hold them."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = tuple(value) if isinstance(value, list) else value
    return flat
