"""Opens a preset from a list that typing narrows, with the settings that each preset would change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.files import expanded, short_path
from workbench.settings.differing import NAMES
from workbench.settings.library import SUFFIX
from workbench.settings.preset import Preset
from workbench.ui.dialogs.changes import changes_table
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.form.completion import narrowed
from workbench.ui.form.preset_list import PresetEntry, list_presets


class PresetsDialog(Dialog[Path]):
    """Dismisses with the file to open. A path can be typed as well."""

    title_text = "open a preset"
    DEFAULT_CSS = """
    PresetsDialog > #box { width: 100; height: 94%; max-height: 40; }
    PresetsDialog OptionList { height: 1fr; max-height: 100%; margin: 1 0; }
    PresetsDialog #details { height: 45%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", show=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, current: Preset) -> None:
        """current: what the listed presets are compared with."""
        super().__init__()
        self._current = current
        self._all = list_presets()
        self._shown: list[PresetEntry] = []

    def body(self) -> Iterable[Widget]:
        yield Input(placeholder="type to narrow the list, or a path", id="filter")
        yield OptionList(id="choices")
        yield VerticalScroll(plain("", id="detail"), id="details")

    def on_mount(self) -> None:
        super().on_mount()
        choices = self.query_one(OptionList)
        choices.can_focus = False
        self.query_one("#details").can_focus = False
        self._narrow()
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _narrow(self) -> None:
        names = [(entry.name, entry.description) for entry in self._all]
        self._shown = [self._all[number] for number in narrowed(names, self.query_one(Input).value)]
        choices = self.query_one(OptionList)
        choices.clear_options()
        widest = max((len(entry.name) for entry in self._all), default=0)
        choices.add_options(Option(_row(entry, widest), id=str(entry.path)) for entry in self._shown)
        choices.highlighted = 0 if self._shown else None
        self._describe()

    @on(OptionList.OptionHighlighted)
    def _describe(self) -> None:
        detail = self.query_one("#detail", Static)
        entry = self._highlighted()
        if entry is None:
            detail.update(Text("no preset of that name" if not self._typed_path() else "enter opens this file", "dim"))
        elif entry.preset is None:
            detail.update(Text.assemble(("this preset is broken\n", "bold"), entry.problem))
        else:
            changes = {
                path: (here, there)
                for path, (here, there) in self._current.differences(entry.preset).items()
                if path not in NAMES
            }
            place = Text(short_path(entry.path), "dim")
            if not changes:
                detail.update(Group(place, Text("the same settings as now")))
            else:
                detail.update(Group(place, changes_table(changes, ("setting", "now", entry.name))))

    def _highlighted(self) -> PresetEntry | None:
        index = self.query_one(OptionList).highlighted
        return None if index is None or index >= len(self._shown) else self._shown[index]

    def _typed_path(self) -> Path | None:
        typed = self.query_one(Input).value.strip()
        return expanded(typed) if typed.endswith(SUFFIX) or "/" in typed else None

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_open()

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Opens the highlighted preset, unless it is broken; else the path that was typed."""
        entry = self._highlighted()
        if entry is not None and entry.preset is not None:
            self.dismiss(entry.path)
        elif entry is None and (path := self._typed_path()) is not None:
            self.dismiss(path)

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        choices = self.query_one(OptionList)
        if self._shown:
            choices.highlighted = ((choices.highlighted or 0) + rows) % len(self._shown)


def _row(entry: PresetEntry, widest: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{entry.name:<{widest}}  ", "bold")
    text.append(f"{entry.where:<10} {'hidden by the one above  ' if entry.shadowed else ''}", "dim")
    text.append(entry.description, "" if entry.preset is not None else "italic")
    return text
