"""Settings that had another name once: presets and runs of then are read as what they mean now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

RENAMED: dict[str, str] = {
    "runtime.threads": "runtime.num_threads",
    "runtime.loader_workers": "runtime.num_workers",
    "runtime.feed": "runtime.data_loading",
    "training.clip_norm": "training.gradient_clip_norm",
    "training.accumulation": "training.gradient_accumulation",
}
"""The key path of then, and that of now. Only the last key differs: a setting stays in its table."""


def present_path(path: str) -> str:
    """The key path by which a setting is known now."""
    return RENAMED.get(path, path)


def with_present_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's nested tables, under the names of now.

    A table that has a setting under both names is left as it is: validation says that it does not know the old one.
    """
    renewed = dict(values)
    for old, new in RENAMED.items():
        table, _, key = old.rpartition(".")
        present, found = new.rpartition(".")[2], renewed.get(table)
        if isinstance(found, Mapping) and key in found and present not in found:
            renewed[table] = {present if name == key else name: value for name, value in found.items()}
    return renewed


def with_present_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by key path, under the names of now."""
    return {present_path(path): value for path, value in settings.items()}


def present_parts(path: Sequence[str]) -> list[str]:
    """A key path in parts, under the name of now."""
    return present_path(".".join(path)).split(".")
