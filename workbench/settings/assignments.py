"""Assignments such as `optimizer.learning_rate=0.003`: how they are read, and how they change a preset's tables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from workbench.errors import PresetError
from workbench.settings.base import Choice, Family
from workbench.settings.problems import shortened
from workbench.units import count

MOST_LEVELS = 8
"""The most levels of a key in `--set`."""

MOST_BYTES = 2**20
"""The most bytes of a preset file; enough for the longest lists of columns."""

_KEY = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
DEEP = re.compile(rf"^[ \t]*+\[?\[?[ \t]*+{_KEY}(?:\.[ \t]*+{_KEY}){{31,}}+[]=]", re.MULTILINE)
"""A key of 32 levels or more. No setting is deeper than three, and the parser needs time for each level of each key."""


def parse_assignment(assignment: str, option: str = "--set") -> tuple[list[str], Any]:
    """The path of a setting and its value: TOML, or a bare text. Raises PresetError.

    option: with which it was given.
    """
    key, equals, text = assignment.partition("=")
    path = key.strip().split(".", MOST_LEVELS)
    if not equals or not all(path) or len(path) > MOST_LEVELS:
        raise PresetError(
            f"{option} {shortened(assignment)}: write it as key.path=value, e.g. optimizer.learning_rate=0.003"
        )
    if len(text) > MOST_BYTES:
        raise PresetError(f"{option} {shortened(key)}: the value is longer than {count(MOST_BYTES)} characters")
    try:
        values = {} if DEEP.search(text) else tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        values = {}
    # More than one value: a text that happens to contain TOML.
    return path, values["value"] if list(values) == ["value"] else text.strip()


def switched(family: Family, table: Mapping[str, Any], label: Any) -> dict[str, Any]:
    """Returns the table for another choice; keeps the settings of both. Validation refuses an unknown name later."""
    old, new = family.choice(table[family.tag]), family.choice(label) if isinstance(label, str) else None
    if old is None or new is None:
        return {**table, family.tag: label}
    return {family.tag: label, **{key: value for key, value in table.items() if _is_common(old, new, key)}}


def _is_common(old: type[Choice], new: type[Choice], key: str) -> bool:
    """Whether two choices have the same setting: with the same type and meaning, not only the same name."""
    here, there = old.model_fields.get(key), new.model_fields.get(key)
    if key == old.tag or here is None or there is None:
        return False
    return (here.annotation, here.description) == (there.annotation, there.description)


def assign(values: dict[str, Any], path: list[str], value: Any, where: str) -> None:
    """Puts a value into nested tables. where: the source in error messages. Raises PresetError."""
    table = values
    for key in path[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            raise PresetError(f"{where} {shortened('.'.join(path))}: {shortened(key)} is not a table")
        table = inner
    table[path[-1]] = value
