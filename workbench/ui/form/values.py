"""What the form holds: a valid preset, and beside it what has been typed that is not valid yet.

Each table of the preset is validated by itself, by the same classes as a preset file. An invalid value stays as it was
typed, and is validated again after every change of its table: another setting may make it valid (Nesterov needs
momentum). A choice that lacks something (the file of a CSV) is kept in the same way, until it is complete.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from workbench.settings.assignments import switched
from workbench.settings.base import Settings
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.renamed import renamed_value
from workbench.suggestion import nearest
from workbench.tuning.ranges import is_range
from workbench.ui.form.asked_search import AskedSearch, fault_of
from workbench.ui.form.fields import PRESET, Field, choices_of, fields_of, model_of, path_of, table_of
from workbench.ui.form.parsing import parse
from workbench.ui.form.validity import fault_of_value, faults_of, fitting

NEEDED = "is needed"


class Values:
    """The settings by table, and the texts that are no values of them yet."""

    def __init__(self, preset: Preset) -> None:
        self.preset = self.taken = preset
        """The last valid settings, and those that were there before anything was edited."""
        self.tables = tables_of(preset)
        self.typed: dict[str, str] = {}
        """Texts that are not valid, by path."""
        self.asked = AskedSearch()
        self._faults: dict[str, str] = {}
        self._left: dict[tuple[str, str], dict[str, Any]] = {}
        """The settings of a choice, (family, label), when it was last left."""

    def copy(self) -> Values:
        """A copy that later changes of this one do not reach. The values of a table are replaced, never changed."""
        twin = copy.copy(self)
        twin.tables, twin.typed, twin.asked = dict(self.tables), dict(self.typed), self.asked.copy()
        twin._faults, twin._left = dict(self._faults), dict(self._left)
        return twin

    def is_same(self, other: Values) -> bool:
        """Whether both show the same settings."""
        return (self.tables, self.typed, self.asked.texts) == (other.tables, other.typed, other.asked.texts)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with the values and ranges that were typed, by path."""
        return self._faults | self.asked.faults(self.preset)

    def model(self, table: str) -> type[Settings]:
        """The class that declares a table, as chosen."""
        return model_of(table, self.tables[table][FAMILIES[table].tag] if table in FAMILIES else "")

    def field(self, path: str) -> Field:
        """The declaration of a setting."""
        table, key = table_of(path)
        return next(field for field in fields_of(self.model(table)) if field.key == key)

    def incomplete(self) -> list[str]:
        """The tables that lack something, so that the preset still has what was there before."""
        return [table for table, values in tables_of(self.preset).items() if values != self.tables[table]]

    def fault_of(self, path: str, text: str) -> str | None:
        """The fault that a typed value or range would have; changes nothing."""
        if self._is_search(path, text):
            return fault_of(path, text, self.asked.texts, self.preset)
        return self._value_fault(path, text)

    def enter(self, path: str, text: str) -> str | None:
        """Takes a value as typed; returns what is wrong with it, or None. A wrong value stays beside the valid one."""
        table, key = table_of(path)
        if self._is_search(path, text):
            self.typed.pop(path, None)
            self.asked.enter(path, text)
            if key:
                self._settle(table)
            return self.problems.get(path)
        self.asked.drop(path)
        if not key:
            return self._enter_choice(table, text)
        self.typed.pop(path, None)
        self.typed[path] = text
        self._settle(table)
        return self.problems.get(path)

    def choose(self, family: str, label: str) -> None:
        """Makes another choice of a family. See `Draft.choose`. Raises KeyError for an unknown one."""
        self.asked.drop(family)
        now = self.tables[family]
        tag = FAMILIES[family].tag
        if now[tag] == label:
            return
        model = model_of(family, label)
        self._left[family, now[tag]] = now
        defaults = {field.key: field.default for field in fields_of(model) if not field.is_required}
        left = self._left.get((family, label), {})
        self.tables[family] = defaults | left | switched(FAMILIES[family], now, label)
        self._settle(family)

    def reset(self, path: str, before: dict[str, Any]) -> None:
        """Resets to the value in `before`, the table as it was opened; to the default if it has none there.

        A head resets its table.
        """
        table, key = table_of(path)
        settings = [] if key else [path_of(table, field.key) for field in fields_of(self.model(table))]
        self._forget_texts([path, *settings])
        if not key:
            self.tables[table] = dict(before)
        elif key in before:
            self.tables[table] = self.tables[table] | {key: before[key]}
        else:
            field = self.field(path)
            rest = {name: value for name, value in self.tables[table].items() if name != key}
            self.tables[table] = rest if field.is_required else rest | {key: field.default}
        self._settle(table)

    def rename(self, name: str, description: str) -> None:
        """Gives the preset another name and description."""
        names = {"name": name, "description": description}
        self.tables[PRESET] = self.tables[PRESET] | names
        self.preset, self.taken = (each.model_copy(update=names) for each in (self.preset, self.taken))

    def _forget_texts(self, paths: Collection[str]) -> None:
        for path in paths:
            self.typed.pop(path, None)
            self.asked.drop(path)

    def _is_search(self, path: str, text: str) -> bool:
        """Whether a text is a range rather than a value of the setting: a delimiter may be |."""
        table, key = table_of(path)
        can_be = bool(key) or table in FAMILIES
        return can_be and is_range(text) and self._value_fault(path, text) is not None

    def _value_fault(self, path: str, text: str) -> str | None:
        table, key = table_of(path)
        if not key:
            return None if text in dict(choices_of(table)) else _unknown_choice(table, text)
        values = self._parsed(table, {**self.typed, path: text})
        model, now = self.model(table), self.tables[table]
        if not faults_of(model, now | values):
            return None
        return fault_of_value(model, key, now | {key: values[key]})

    def _enter_choice(self, family: str, text: str) -> str | None:
        label = text.strip().replace(" ", "_")
        if family not in FAMILIES or label not in FAMILIES[family].labels:
            return _unknown_choice(family, label)
        self.choose(family, label)
        return None

    # How a table becomes valid.

    def _settle(self, table: str) -> None:
        """Takes those typed values of a table that are valid, and notes the faults of the others."""
        known = {path_of(table, field.key) for field in fields_of(self.model(table))}
        mine = [path for path in (*self.typed, *self.asked.texts) if table_of(path)[0] == table]
        self._forget_texts([path for path in mine if path not in {table, *known}])  # of a choice that was left
        waiting = self._parsed(table, self.typed)
        values = self.tables[table]
        taken = fitting(self.model(table), values, waiting)
        values = values | {key: waiting[key] for key in taken}
        for key in taken:
            self.typed.pop(path_of(table, key))
        self.tables[table] = values
        self._note_faults(table, {key: value for key, value in waiting.items() if key not in taken})
        self._rebuild(table)

    def _note_faults(self, table: str, waiting: dict[str, Any]) -> None:
        self._faults = {path: fault for path, fault in self._faults.items() if table_of(path)[0] != table}
        model, values = self.model(table), self.tables[table]
        for key, value in waiting.items():
            self._faults[path_of(table, key)] = fault_of_value(model, key, values | {key: value}) or "is not valid"
        for field in fields_of(model):
            if field.is_required and field.key not in values:
                self._faults.setdefault(path_of(table, field.key), NEEDED)
        if faults := faults_of(model, values):  # a choice whose kept values do not fit its own
            head = next((key for key in faults if key), "")
            self._faults.setdefault(path_of(table, head) if head else table, faults[head])

    def _rebuild(self, table: str) -> None:
        """Puts a table that is complete into the preset."""
        values = self.tables[table]
        try:
            validated = self.model(table).model_validate(values)
        except ValidationError:
            return
        if table == PRESET:
            self.preset = self.preset.model_copy(update={key: getattr(validated, key) for key in values})
        else:
            self.preset = self.preset.model_copy(update={table: validated})
        self.tables[table] = tables_of(self.preset)[table]

    def _parsed(self, table: str, texts: dict[str, str]) -> dict[str, Any]:
        """The values of those typed texts that are of this table, by key."""
        fields = {field.key: field for field in fields_of(self.model(table))}
        keys = {table_of(path)[1]: text for path, text in texts.items() if table_of(path)[0] == table}
        return {key: parse(text, fields[key].schema) for key, text in keys.items() if key in fields}


def tables_of(preset: Preset) -> dict[str, dict[str, Any]]:
    """The settings by table; those outside any table are grouped in one of their own."""
    values = preset.without_search().to_mapping()
    return {PRESET: {key: values.pop(key) for key in ("name", "description", "changes")}, **values}


def _unknown_choice(family: str, text: str) -> str:
    """Why a family has no such choice: it has another name now, or the nearest one is named."""
    if family not in FAMILIES:
        return "is not known"
    renamed = renamed_value(path_of(family, FAMILIES[family].tag), text)
    return renamed or f"is not known{nearest(text, FAMILIES[family].labels)}"
