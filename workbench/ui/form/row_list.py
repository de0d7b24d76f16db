"""The rows of the form, in order: each table, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.settings.effect import chosen_of, lacks
from workbench.settings.preset import FAMILIES
from workbench.ui.form.fields import PRESET, TABLES, Field, fields_of, path_of
from workbench.ui.form.rows import Row, family_row, setting_row, table_row
from workbench.ui.form.values import Values


def rows_of(values: Values, opened: Mapping[str, dict[str, Any]]) -> list[Row]:
    """All rows. opened: the tables as they were opened, from which changes are marked."""
    problems = values.problems
    chosen = chosen_of({table: (values.model(table), values.tables[table]) for table in TABLES if table != PRESET})
    rows: list[Row] = []
    for table in TABLES:
        head = _head(values, table, opened[table], problems)
        of_family = lacks(FAMILIES[table].only_if, table, chosen) if table in FAMILIES else ""
        rows.append(replace(head, lacks=of_family))
        for field in fields_of(values.model(table)):
            row = _row(values, table, field, opened[table], problems)
            rows.append(replace(row, lacks=of_family or lacks(field.only_if, table, chosen)))
    return rows


def _head(values: Values, table: str, opened: Mapping[str, Any], problems: Mapping[str, str]) -> Row:
    model = values.model(table)
    if table not in FAMILIES:
        return table_row(table, model.sense, "what the preset is called" if table == PRESET else model.summary())
    tag = FAMILIES[table].tag
    label = values.tables[table][tag]
    row = family_row(table, label, model.summary(), changed=label != opened[tag])
    asked = values.asked.texts.get(table)
    return row if asked is None else replace(row, value=asked, changed=True, problem=problems.get(table, ""))


def _row(values: Values, table: str, field: Field, opened: Mapping[str, Any], problems: Mapping[str, str]) -> Row:
    path = path_of(table, field.key)
    value = values.tables[table].get(field.key)
    text = values.typed.get(path, values.asked.texts.get(path))
    # A setting that came with another choice does not count as changed while it has its default.
    changed = text is not None or value != opened.get(field.key, field.default)
    return setting_row(table, field, value, text, changed=changed, problem=problems.get(path, ""))
