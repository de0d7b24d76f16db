"""Reads the settings in the preset of a run, without the classes that declare them.

Thousands of runs differ in a few settings, so an identical statement is parsed only once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

MOST_KNOWN = 50_000
"""Number of cached statements at which the cache is cleared."""
_TABLE = re.compile(r"^\[([A-Za-z0-9_-]+)\]\n", re.MULTILINE)
_STATEMENT = re.compile(r"([A-Za-z0-9_-]+ = (?:\[\n(?: +[^\n]*,\n)*\]|\"[^\"\\\n]*\"|[a-z0-9.+-]+)\n)")
"""The statements of a saved preset: a key and a word, a number, a plain text, or a list over several lines."""


class PresetReader:
    """Reads presets, and caches their statements."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Any]] = {}

    def settings(self, text: str) -> dict[str, Any]:
        """Returns all settings by key path, such as optimizer.learning_rate. Raises ValueError, RecursionError."""
        settings = self._plain(text)
        return flattened(tomllib.loads(text)) if settings is None else settings

    def _plain(self, text: str) -> dict[str, Any] | None:
        """Reads a text of plain statements, the form in which presets are saved; None for any other text."""
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
        # A duplicate key is an error; the TOML parser reports it.
        is_once = len(settings) == count and len(set(prefixes)) == len(prefixes)
        return settings if is_once and settings.keys().isdisjoint(rest[::2]) else None

    def _learn(self, statement: str) -> tuple[str, Any]:
        [(key, value)] = flattened(tomllib.loads(statement)).items()
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[statement] = key, value
        return key, value


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens nested tables to key paths; lists become tuples, as in settings."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = tuple(value) if isinstance(value, list) else value
    return flat
