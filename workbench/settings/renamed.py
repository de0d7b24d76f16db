"""Settings and values that were renamed.

In a preset, in `--set` and in the app an old name is refused, and the message gives the new one. In the preset of a run
that was trained under old names (`Preset.of_run`), and in its checkpoints, old names are read as the new ones.
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
"""The old key path and the new one. Only the last key differs: a setting stays in its table."""

RENAMED_VALUES: dict[str, dict[str, str]] = {
    "runtime.data_loading": {"loader": "dataloader", "resident": "on_device"},
    "runtime.engine": {"graph": "cuda_graph"},
    "validation.method": {"own": "predefined"},
}
"""By the new key path: the old value and the new one."""


def present_path(path: str) -> str:
    """The new key path of a setting; one that was never renamed stays."""
    return RENAMED.get(path, path)


def present_value(path: str, value: Any) -> Any:
    """The new value of a setting; one that was never renamed stays. path: the new one."""
    return RENAMED_VALUES.get(path, {}).get(value, value) if isinstance(value, str) else value


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's nested tables, under their new names.

    A setting that stands there under both names keeps both: validation then refuses the old one.
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
    """Settings by key path, under their new names."""
    return {present_path(path): present_value(present_path(path), value) for path, value in settings.items()}


def renamed_setting(path: str, value: Any, known: Collection[str]) -> str:
    """Says what an unknown setting is called now; empty if there never was such a setting.

    path: as it was written; known: the names of the settings that its table has.
    """
    now = RENAMED.get(path)
    if now is None or now.rpartition(".")[2] not in known:
        return ""
    return " and ".join(filter(None, (f"{path} is called {now} now", renamed_value(now, value))))


def renamed_value(path: str, value: Any) -> str:
    """Says what an unknown value is called now; empty if there never was such a value."""
    now = present_value(path, value)
    return "" if now == value else f'"{value}" is called "{now}" now'
