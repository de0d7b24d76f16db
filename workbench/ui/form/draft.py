"""The settings that are being edited: what the form holds, the preset that was opened, and what can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.search import Range
from workbench.settings.validation import CrossValidation
from workbench.ui.form.asked_search import setting_of
from workbench.ui.form.command import command_line
from workbench.ui.form.fields import path_of, table_of
from workbench.ui.form.history import History, Opened, State
from workbench.ui.form.parsing import shown
from workbench.ui.form.row_list import rows_of
from workbench.ui.form.rows import Row
from workbench.ui.form.stepping import stepped
from workbench.ui.form.transition import Transition, transition
from workbench.ui.form.values import Values


class Draft:
    """The settings being edited, and the preset as it was last opened or saved. Each change can be undone."""

    def __init__(self, opened: Preset, path: Path | None = None) -> None:
        """path: the file of the preset; None if it comes from no file."""
        self._opened = Opened(opened, path)
        self._values = Values(opened)
        self._history = History()

    # Presets as a whole.

    @property
    def opened(self) -> Preset:
        """The preset as it was last opened or saved."""
        return self._opened.preset

    @property
    def path(self) -> Path | None:
        """The file of the opened preset; None if it comes from no file."""
        return self._opened.path

    @property
    def preset(self) -> Preset:
        """The last valid settings."""
        return self._values.preset

    def open(self, preset: Preset, path: Path | None) -> None:
        """Opens a preset, unchanged."""
        with self._change():
            self._opened = Opened(preset, path)
            self._values = Values(preset)

    def saved(self, preset: Preset, path: Path) -> None:
        """Notes that the settings have been saved as this preset: nothing differs any more. That cannot be undone."""
        self._opened.save(preset, path)
        asked = self._values.asked
        self._values = Values(preset)
        self._values.asked = asked  # still to be searched
        self._history.rename(self._opened, preset.name, preset.description)

    def revert(self) -> None:
        """Goes back to the opened preset."""
        self.take(self.opened)

    def take(self, preset: Preset) -> None:
        """Takes all settings of another preset, as changes of the opened one."""
        with self._change():
            self._values = Values(preset)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._history.before)

    def undo(self) -> Transition | None:
        """Undoes the last change, and says what that changed; None if there is nothing to undo."""
        return self._go_to(self._history.undo(self._state))

    def redo(self) -> Transition | None:
        """Redoes the change that was undone last, and says what that changed; None if there is none."""
        return self._go_to(self._history.redo(self._state))

    # What the settings are.

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with the values and ranges that were typed, by path."""
        return self._values.problems

    @property
    def asks_for_search(self) -> bool:
        """Whether a range was typed into a field."""
        return bool(self._values.asked.texts)

    @property
    def asks_for_folds(self) -> bool:
        """Whether the settings stand for a model a fold."""
        return isinstance(self.preset.validation, CrossValidation) and self.preset.validation.is_all

    @property
    def asked(self) -> dict[str, str]:
        """The ranges as they were typed, by the path of the row."""
        return dict(self._values.asked.texts)

    def search(self) -> tuple[dict[str, Range], int | None]:
        """The ranges to search, by path: the preset's own and those typed; and the number of trials if one names it."""
        typed, trials = self._values.asked.ranges()
        return self.preset.search | typed, trials

    @property
    def is_edited(self) -> bool:
        """Whether the user changed anything since the preset was opened, or since a run's settings were taken."""
        return self.is_changed and (bool(self.problems) or bool(self._values.taken.differences(self.preset)))

    @property
    def is_changed(self) -> bool:
        """Whether anything differs from the opened preset, invalid values included."""
        return bool(self.changes())

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """The settings that differ, by key path: (opened, now); an invalid value as it was typed."""
        values = self._values
        changes = self.opened.differences(self.preset)
        for table in values.incomplete():
            changes = {path: pair for path, pair in changes.items() if table_of(path)[0] != table}
            before, now = self._opened.tables[table], values.tables[table]
            for key in [*before, *(key for key in now if key not in before)]:
                if before.get(key) != now.get(key):
                    changes[path_of(table, key)] = before.get(key), now.get(key)
        changes |= {path: (self._opened_value(path), text) for path, text in values.typed.items()}
        ranges, _ = values.asked.ranges()
        for path, text in values.asked.texts.items():
            setting = setting_of(path)
            if setting not in ranges or ranges[setting] != self.opened.search.get(setting):
                changes[setting] = self._opened_value(setting), text
        return changes

    def rows(self) -> list[Row]:
        """All rows in order: each table, and its settings."""
        return rows_of(self._values, self._opened.tables)

    def value_of(self, path: str) -> Any:
        """A setting's value, even if its choice is not complete yet; None if it has none."""
        table, key = table_of(path)
        return self._values.tables[table].get(key)

    def command(self) -> str:
        """The command line that trains exactly `preset` without the app, or searches the ranges that were typed."""
        searched = {setting_of(path): text for path, text in self._values.asked.texts.items()}
        return command_line(self.preset, self.path, searched)

    def check(self, path: str, text: str) -> str | None:
        """The fault that a typed value or range would have; changes nothing."""
        return self._values.fault_of(path, text)

    # What changes them.

    def enter(self, path: str, text: str) -> str | None:
        """Takes a value as typed; returns what is wrong with it, or None.

        A wrong value stays in the row; `preset` keeps the last valid one.
        """
        with self._change():
            return self._values.enter(path, text)

    def assign(self, assignments: Sequence[str]) -> None:
        """Takes `key.path=value` assignments as `--set` does. Raises PresetError, and then changes nothing."""
        target = self.preset.override(assignments).flat()
        paths = [assignment.partition("=")[0].strip() for assignment in assignments]
        tags = {path_of(name, family.tag): name for name, family in FAMILIES.items()}
        with self._change():
            for path in sorted(paths, key=lambda path: path not in tags):
                self._values.enter(tags.get(path, path), shown(target[path]))

    def choose(self, family: str, label: str) -> None:
        """Makes another choice of a family.

        Settings that both choices have keep their values. The others get the values that they had when this choice was
        last left, or their defaults.

        Raises KeyError for an unknown one.
        """
        with self._change():
            self._values.choose(family, label)

    def step(self, path: str, direction: int) -> None:
        """Steps to the next value up (direction > 0) or down, the next choice, the other state of a flag."""
        table, key = table_of(path)
        with self._change(stepped=path):
            if key:
                self._step_value(path, direction)
            elif table in FAMILIES:
                labels = FAMILIES[table].labels
                at = labels.index(self._values.tables[table][FAMILIES[table].tag])
                self._values.choose(table, labels[(at + direction) % len(labels)])

    def reset(self, path: str) -> None:
        """Resets to the opened preset's value; to the default if it has none. A head resets its table."""
        with self._change():
            self._values.reset(path, self._opened.tables[table_of(path)[0]])

    def _step_value(self, path: str, direction: int) -> None:
        values, field = self._values, self._values.field(path)
        value = self.value_of(path)
        if value is None and field.kind == "choice":
            value = field.default
        if value is not None and field.can_step:
            new = stepped(value, field.schema, direction)
            if new != value or path in values.typed or path in values.asked.texts:
                values.enter(path, shown(new))

    @contextmanager
    def _change(self, stepped: str = "") -> Iterator[None]:
        """Makes what is done within it one step of the history. stepped: see `History.record`."""
        before = State(self._opened, self._values.copy())
        yield
        self._history.record(before, self._state, stepped)

    @property
    def _state(self) -> State:
        return State(self._opened, self._values)

    def _go_to(self, state: State | None) -> Transition | None:
        if state is None:
            return None
        made = transition(self._state, state)
        self._opened, self._values = state.opened, state.values
        return made

    def _opened_value(self, path: str) -> Any:
        table, key = table_of(path)
        return self._opened.tables[table].get(key)
