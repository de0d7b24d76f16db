"""The history of the form: what it held before each change, so that every change can be undone and redone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.settings.preset import Preset
from workbench.ui.form.values import Values, tables_of

MOST_STEPS = 500
"""The oldest changes are forgotten."""


class Opened:
    """The preset as it was last opened or saved, and its file. An undone change leaves it as it is: it is saved."""

    def __init__(self, preset: Preset, path: Path | None) -> None:
        """path: None if the preset comes from no file."""
        self.save(preset, path)

    def save(self, preset: Preset, path: Path | None) -> None:
        """Notes that it has been saved as this preset."""
        self.preset = preset
        self.path = path
        self.tables: dict[str, dict[str, Any]] = tables_of(preset)


@dataclass(frozen=True)
class State:
    """All that the form holds at a moment. Opening another preset changes it too."""

    opened: Opened
    values: Values

    def is_same(self, other: State) -> bool:
        """Whether both show the same."""
        return self.opened is other.opened and self.values.is_same(other.values)


@dataclass
class History:
    """What the form held before each change, and after each change that was undone; the last one comes last."""

    before: list[State] = field(default_factory=list)
    after: list[State] = field(default_factory=list)
    _stepped: str = ""
    """The setting that the last change stepped; empty if it did anything else."""

    def record(self, before: State, now: State, stepped: str = "") -> None:
        """Notes a change that leads from `before` to `now`.

        stepped: the setting that was stepped. One that is stepped again and again is one change.
        """
        if before.is_same(now):
            return
        if not stepped or stepped != self._stepped or self.after:
            self.before = [*self.before[-MOST_STEPS + 1 :], before]
        elif self.before[-1].is_same(now):  # stepped to and fro
            self.before.pop()
            stepped = ""
        self.after.clear()
        self._stepped = stepped

    def undo(self, now: State) -> State | None:
        """The state before the last change; None without any."""
        return self._move(self.before, self.after, now)

    def redo(self, now: State) -> State | None:
        """The state after the change that was undone last; None without any."""
        return self._move(self.after, self.before, now)

    def _move(self, source: list[State], target: list[State], now: State) -> State | None:
        self._stepped = ""
        if not source:
            return None
        target.append(now)
        return source.pop()

    def rename(self, opened: Opened, name: str, description: str) -> None:
        """Gives all states of a preset the name and description that it was saved under: undoing leaves these."""
        for state in (*self.before, *self.after):
            if state.opened is opened:
                state.values.rename(name, description)
