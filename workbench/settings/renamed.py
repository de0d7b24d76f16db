"""Settings and values that were renamed.

Presets, `--set` and the app refuse an old name with a message that gives the new one. The presets (`Preset.of_run`) and
checkpoints of older runs may contain old names, which are read as the new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

RENAMED: dict[str, str] = {
    "runtime.threads": "runtime.num_threads",
    "runtime.loader_workers": "runtime.num_workers",
    "runtime.feed": "runtime.data_loading",
    "training.clip_norm": "training.gradient_clip_norm",
    "training.accumulation": "training.gradient_accumulation",
    "schedule.every": "schedule.step_size",
    "schedule.peak_at": "schedule.pct_start",
}
"""Old and new key path. Only the last key differs: a setting stays in its table."""

RENAMED_VALUES: dict[str, dict[str, str]] = {
    "runtime.data_loading": {"loader": "dataloader", "resident": "on_device"},
    "runtime.engine": {"graph": "cuda_graph"},
    "validation.method": {"own": "predefined"},
}
"""Old and new value, by the new key path."""


def present_path(path: str) -> str:
    """Returns the new key path of a setting; others stay unchanged."""
    return RENAMED.get(path, path)


def present_value(path: str, value: Any) -> Any:
    """Returns the new value of a setting; others stay unchanged. path: the new key path."""
    return RENAMED_VALUES.get(path, {}).get(value, value) if isinstance(value, str) else value


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a preset's nested tables with the new names.

    If a table contains both names of a setting, both stay, and validation refuses the old one.
    """
    renewed = dict(values)
    for table, found in values.items():
        if isinstance(found, Mapping):
            renewed[table] = {
                key if (now := present_path(f"{table}.{key}").rpartition(".")[2]) in found else now: present_value(
                    present_path(f"{table}.{key}"), value
                )
                for key, value in found.items()
            }
    return renewed


def with_present_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings by key path, with the new names."""
    return {present_path(path): present_value(present_path(path), value) for path, value in settings.items()}


def renamed_setting(path: str, value: Any, known: Collection[str]) -> str:
    """Gives the new name of an unknown setting; empty if there never was such a setting.

    path: as the user wrote it; known: the names of the settings of its table.
    """
    now = RENAMED.get(path)
    if now is None or now.rpartition(".")[2] not in known:
        return ""
    return " and ".join(filter(None, (f"{path} is now called {now}", renamed_value(now, value))))


def renamed_value(path: str, value: Any) -> str:
    """Gives the new name of an unknown value; empty if there never was such a value."""
    now = present_value(path, value)
    return "" if now == value else f'"{value}" is now called "{now}"'
