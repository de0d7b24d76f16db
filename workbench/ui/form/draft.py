"""The choice that is being edited: always a valid preset, and beside it what has been typed that is not valid yet.

Each table of the preset is validated by itself, by the same classes as a preset file. An invalid value stays as it was
typed, and is validated again after every change of its table: another setting may make it valid (Nesterov needs
momentum). A choice that lacks something (the file of a CSV) is kept in the same way, until it is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.settings.assignments import switched
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.renamed import renamed_value
from workbench.settings.search import Range
from workbench.settings.validation import CrossValidation
from workbench.suggestion import nearest
from workbench.tuning.ranges import is_range
from workbench.ui.form.asked_search import AskedSearch, fault_of, setting_of
from workbench.ui.form.command import command_line
from workbench.ui.form.fields import PRESET, TABLES, Field, choices_of, fields_of, model_of, path_of, table_of
from workbench.ui.form.parsing import parse, shown
from workbench.ui.form.rows import Row, family_row, setting_row, table_row
from workbench.ui.form.stepping import stepped
from workbench.ui.form.validity import fault_of_value, faults_of, fitting

NEEDED = "is needed"


class Draft:
    """The present choice, and the preset as it was last opened or saved."""

    def __init__(self, opened: Preset, path: Path | None = None) -> None:
        """path: the file of the preset; None if it comes from no file."""
        self.open(opened, path)

    def open(self, preset: Preset, path: Path | None) -> None:
        """Opens a preset, unchanged."""
        self.opened, self.path = preset, path
        self._opened_tables = tables_of(preset)
        self.take(preset)

    def revert(self) -> None:
        """Goes back to the opened preset."""
        self.take(self.opened)

    def take(self, preset: Preset) -> None:
        """Takes all settings of another preset, as changes of the opened one."""
        self.preset = self._taken = preset
        self._tables = tables_of(preset)
        self._typed: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._asked = AskedSearch()
        self._left: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with the values and ranges that were typed, by path."""
        return self._problems | self._asked.faults(self.preset)

    @property
    def asks_for_search(self) -> bool:
        """Whether a range was typed into a field."""
        return bool(self._asked.texts)

    @property
    def asks_for_folds(self) -> bool:
        """Whether the settings stand for a model a fold."""
        return isinstance(self.preset.validation, CrossValidation) and self.preset.validation.is_all

    @property
    def asked(self) -> dict[str, str]:
        """The ranges as they were typed, by the path of the row."""
        return dict(self._asked.texts)

    def search(self) -> tuple[dict[str, Range], int | None]:
        """The ranges to search, by path: the preset's own and those typed; and the number of trials if one names it."""
        typed, trials = self._asked.ranges()
        return self.preset.search | typed, trials

    @property
    def is_edited(self) -> bool:
        """Whether the user changed anything since the preset was opened, or since a run's settings were taken."""
        return self.is_changed and (bool(self.problems) or bool(self._taken.differences(self.preset)))

    @property
    def is_changed(self) -> bool:
        """Whether anything differs from the opened preset, invalid values included."""
        return bool(self.changes())

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """The settings that differ, by key path: (opened, now); an invalid value as it was typed."""
        changes = self.opened.differences(self.preset)
        for table in self._incomplete_tables():
            changes = {path: pair for path, pair in changes.items() if table_of(path)[0] != table}
            before, now = self._opened_tables[table], self._tables[table]
            for key in [*before, *(key for key in now if key not in before)]:
                if before.get(key) != now.get(key):
                    changes[path_of(table, key)] = before.get(key), now.get(key)
        changes |= {path: (self._opened_value(path), text) for path, text in self._typed.items()}
        ranges, _ = self._asked.ranges()
        for path, text in self._asked.texts.items():
            setting = setting_of(path)
            if setting not in ranges or ranges[setting] != self.opened.search.get(setting):
                changes[setting] = self._opened_value(setting), text
        return changes

    def rows(self) -> list[Row]:
        """All rows in order: each table, and its settings."""
        rows: list[Row] = []
        for table in TABLES:
            rows.append(self._head(table))
            rows += [self._row(table, field) for field in fields_of(self._model(table))]
        return rows

    def enter(self, path: str, text: str) -> str | None:
        """Takes a value as typed; returns what is wrong with it, or None.

        A wrong value stays in the row; `preset` keeps the last valid one.
        """
        table, key = table_of(path)
        if self._is_search(path, text):
            self._typed.pop(path, None)
            self._asked.enter(path, text)
            if key:
                self._settle(table)
            return self.problems.get(path)
        self._asked.drop(path)
        if not key:
            return self._enter_choice(table, text)
        self._typed.pop(path, None)
        self._typed[path] = text
        self._settle(table)
        return self.problems.get(path)

    def assign(self, assignments: Sequence[str]) -> None:
        """Takes `key.path=value` assignments as `--set` does. Raises PresetError, and then changes nothing."""
        target = self.preset.override(assignments).flat()
        paths = [assignment.partition("=")[0].strip() for assignment in assignments]
        tags = {path_of(name, family.tag): name for name, family in FAMILIES.items()}
        for path in sorted(paths, key=lambda path: path not in tags):
            self.enter(tags.get(path, path), shown(target[path]))

    def check(self, path: str, text: str) -> str | None:
        """The fault that a typed value or range would have; changes nothing."""
        if self._is_search(path, text):
            return fault_of(path, text, self._asked.texts, self.preset)
        return self._value_fault(path, text)

    def _is_search(self, path: str, text: str) -> bool:
        """Whether a text is a range rather than a value of the setting: a delimiter may be |."""
        return is_range(text) and self._value_fault(path, text) is not None

    def _value_fault(self, path: str, text: str) -> str | None:
        table, key = table_of(path)
        if not key:
            return None if text in dict(choices_of(table)) else _unknown_choice(table, text)
        values = self._parsed(table, {**self._typed, path: text})
        model, now = self._model(table), self._tables[table]
        if not faults_of(model, now | values):
            return None
        return fault_of_value(model, key, now | {key: values[key]})

    def choose(self, family: str, label: str) -> None:
        """Makes another choice of a family.

        Settings that both choices have keep their values. The others get the values that they had when this choice was
        last left, or their defaults.

        Raises KeyError for an unknown one.
        """
        self._asked.drop(family)
        now = self._tables[family]
        tag = FAMILIES[family].tag
        if now[tag] == label:
            return
        model = model_of(family, label)
        self._left[family, now[tag]] = now
        defaults = {field.key: field.default for field in fields_of(model) if not field.is_required}
        left = self._left.get((family, label), {})
        self._tables[family] = defaults | left | switched(FAMILIES[family], now, label)
        self._settle(family)

    def step(self, path: str, direction: int) -> None:
        """Steps to the next value up (direction > 0) or down, the next choice, the other state of a flag."""
        table, key = table_of(path)
        if not key:
            if table in FAMILIES:
                labels = FAMILIES[table].labels
                at = labels.index(self._tables[table][FAMILIES[table].tag])
                self.choose(table, labels[(at + direction) % len(labels)])
            return
        field = self._field(table, key)
        value = self._tables[table].get(key)
        if value is None and field.kind == "choice":
            value = field.default
        if value is not None and field.can_step:
            new = stepped(value, field.schema, direction)
            if new != value or path in self._typed or path in self._asked.texts:
                self.enter(path, shown(new))

    def reset(self, path: str) -> None:
        """Resets to the opened preset's value; to the default if it has none. A head resets its table."""
        table, key = table_of(path)
        keys = [key] if key else [field.key for field in fields_of(self._model(table))]
        self._asked.drop(path)
        for each in keys:
            self._typed.pop(path_of(table, each), None)
            self._asked.drop(path_of(table, each))
        before = self._opened_tables[table]
        if not key:
            self._tables[table] = dict(before)
        elif key in before:
            self._tables[table] = self._tables[table] | {key: before[key]}
        else:
            field = self._field(table, key)
            rest = {name: value for name, value in self._tables[table].items() if name != key}
            self._tables[table] = rest if field.is_required else rest | {key: field.default}
        self._settle(table)

    def value_of(self, path: str) -> Any:
        """A setting's value, even if its choice is not complete yet; None if it has none."""
        table, key = table_of(path)
        return self._tables[table].get(key)

    def command(self) -> str:
        """The command line that trains exactly `preset` without the app, or searches the ranges that were typed."""
        searched = {setting_of(path): text for path, text in self._asked.texts.items()}
        return command_line(self.preset, self.path, searched)

    # How a table becomes valid.

    def _settle(self, table: str) -> None:
        """Takes those typed values of a table that are valid, and notes the faults of the others."""
        known = {path_of(table, field.key) for field in fields_of(self._model(table))}
        mine = [path for path in self._typed if table_of(path)[0] == table]
        for path in mine:
            if path not in known:  # it belongs to a choice that was left
                del self._typed[path]
        for path in [path for path in self._asked.texts if table_of(path)[0] == table]:
            if path not in {table, *known}:
                self._asked.drop(path)
        waiting = self._parsed(table, self._typed)
        values = self._tables[table]
        taken = fitting(self._model(table), values, waiting)
        values = values | {key: waiting[key] for key in taken}
        for key in taken:
            self._typed.pop(path_of(table, key))
        self._tables[table] = values
        self._note_problems(table, {key: value for key, value in waiting.items() if key not in taken})
        self._rebuild(table)

    def _note_problems(self, table: str, waiting: dict[str, Any]) -> None:
        self._problems = {path: problem for path, problem in self._problems.items() if table_of(path)[0] != table}
        model, values = self._model(table), self._tables[table]
        for key, value in waiting.items():
            self._problems[path_of(table, key)] = fault_of_value(model, key, values | {key: value}) or "is not valid"
        for field in fields_of(model):
            if field.is_required and field.key not in values:
                self._problems.setdefault(path_of(table, field.key), NEEDED)
        if faults := faults_of(model, values):  # a choice whose kept values do not fit its own
            head = next((key for key in faults if key), "")
            self._problems.setdefault(path_of(table, head) if head else table, faults[head])

    def _rebuild(self, table: str) -> None:
        """Puts a table that is complete into the preset."""
        values = self._tables[table]
        try:
            validated = self._model(table).model_validate(values)
        except ValidationError:
            return
        if table == PRESET:
            self.preset = self.preset.model_copy(update={key: getattr(validated, key) for key in values})
        else:
            self.preset = self.preset.model_copy(update={table: validated})
        self._tables[table] = tables_of(self.preset)[table]

    def _parsed(self, table: str, texts: dict[str, str]) -> dict[str, Any]:
        """The values of those typed texts that are of this table, by key."""
        fields = {field.key: field for field in fields_of(self._model(table))}
        keys = {table_of(path)[1]: text for path, text in texts.items() if table_of(path)[0] == table}
        return {key: parse(text, fields[key].schema) for key, text in keys.items() if key in fields}

    def _enter_choice(self, family: str, text: str) -> str | None:
        label = text.strip().replace(" ", "_")
        if family not in FAMILIES or label not in FAMILIES[family].labels:
            return _unknown_choice(family, label)
        self.choose(family, label)
        return None

    # What the rows say.

    def _head(self, table: str) -> Row:
        model = self._model(table)
        if table not in FAMILIES:
            return table_row(table, "what the preset is called" if table == PRESET else model.summary())
        tag = FAMILIES[table].tag
        label = self._tables[table][tag]
        row = family_row(table, label, model.summary(), changed=label != self._opened_tables[table][tag])
        asked = self._asked.texts.get(table)
        if asked is None:
            return row
        return replace(row, value=asked, changed=True, problem=self.problems.get(table, ""))

    def _row(self, table: str, field: Field) -> Row:
        path = path_of(table, field.key)
        value = self._tables[table].get(field.key)
        text = self._typed.get(path, self._asked.texts.get(path))
        # A setting that came with another choice does not count as changed while it has its default.
        before = self._opened_tables[table].get(field.key, field.default)
        changed = text is not None or value != before
        return setting_row(table, field, value, text, changed=changed, problem=self.problems.get(path, ""))

    def _model(self, table: str) -> Any:
        return model_of(table, self._tables[table][FAMILIES[table].tag] if table in FAMILIES else "")

    def _field(self, table: str, key: str) -> Field:
        return next(field for field in fields_of(self._model(table)) if field.key == key)

    def _opened_value(self, path: str) -> Any:
        table, key = table_of(path)
        return self._opened_tables[table].get(key)

    def _incomplete_tables(self) -> list[str]:
        return [table for table, values in tables_of(self.preset).items() if values != self._tables[table]]


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
