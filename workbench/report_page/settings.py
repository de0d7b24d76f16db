"""The settings of a run: those that are not the default first, then all of them by group; and the preset itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.report_page.html import code, details, escaped, paragraph
from workbench.report_page.record import RunRecord
from workbench.runs.own_loop import KEY
from workbench.settings.base import Choice, Settings
from workbench.settings.differing import NAMES
from workbench.settings.preset import FAMILIES, Preset
from workbench.tuning.side_tables import written_setting


def settings_parts(record: RunRecord) -> Iterable[str]:
    """The pieces of the section on settings."""
    if record.own_loop is not None:
        yield settings_groups({path: value for path, value in record.own_loop.flat().items() if path != KEY}, {})
        return
    if record.preset is None:
        yield paragraph(f"The preset cannot be read: {record.preset_problem}", "banner")
        yield settings_groups(record.row.settings, {})
        return
    own = settings_of_its_own(record.preset)
    flat = record.preset.flat()
    if own:
        yield paragraph("Bold: settings that are not the default.", "dim")
    yield settings_groups(flat, own)


def preset_details(record: RunRecord) -> str:
    """The preset as TOML; empty where it cannot be read."""
    return details("the preset, as TOML", code(record.preset_text)) if record.preset_text else ""


def settings_of_its_own(preset: Preset) -> dict[str, Any]:
    """The settings whose value is not the default of their table or choice, by key path."""
    found = {}
    for path, value in preset.flat().items():
        group, _, key = path.partition(".")
        table = getattr(preset, group, None)
        if path in NAMES or not isinstance(table, Settings):
            continue
        if isinstance(table, Choice) and key == table.tag:
            if not isinstance(table, FAMILIES[group].default):
                found[path] = value
        elif (item := type(table).model_fields.get(key)) is not None and value != item.default:
            found[path] = value
    if preset.changes:
        found["changes"] = preset.flat()["changes"]
    return found


def settings_groups(flat: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """A table for each group; within it come first the choice itself, and then the settings in `own`, in bold."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    for path, value in flat.items():
        if path not in NAMES and (path != "changes" or value):
            group, _, key = path.rpartition(".") if path.count(".") == 1 else path.partition(".")
            groups.setdefault(group or key, []).append((path, value))
    drawn = "".join(
        f'<div><h3>{escaped(group)}</h3><table class="settings">{"".join(_rows(group, rows, own))}</table></div>'
        for group, rows in groups.items()
    )
    return f'<div class="groups">{drawn}</div>' if drawn else ""


def _rows(group: str, rows: list[tuple[str, Any]], own: Mapping[str, Any]) -> Iterable[str]:
    first = [rows[0]] if rows[0][0].endswith((".name", ".method")) else []
    rest = rows[len(first) :]
    for path, value in (*first, *sorted(rest, key=lambda row: row[0] not in own)):
        kind = ' class="own"' if path in own else ""
        key = path.removeprefix(f"{group}.")
        yield f'<tr{kind}><th scope="row">{escaped(key)}</th><td>{escaped(written_setting(path, value))}</td></tr>'
