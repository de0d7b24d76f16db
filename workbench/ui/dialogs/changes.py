"""The settings that differ from the opened preset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.settings.changes import in_words, read
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.form.fields import NOT_SET
from workbench.ui.form.parsing import shown


class ChangesDialog(Dialog[str]):
    """save, revert, or None."""

    DEFAULT_CSS = "ChangesDialog VerticalScroll { height: auto; max-height: 18; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "answer('save')", "save", show=True),
        Binding("U", "answer('revert')", "revert", show=True),
        Binding("escape,d,q", "cancel", "close", show=True),
    ]

    def __init__(self, changes: dict[str, tuple[Any, Any]], name: str) -> None:
        """changes: key path to (opened, now); name: of the opened preset."""
        super().__init__()
        self.title_text = f"changes of {name}"
        self._preset_name = name
        self._changes = changes

    def body(self) -> Iterable[Widget]:
        if not self._changes:
            yield plain("nothing differs from the opened preset")
            return
        yield VerticalScroll(Static(changes_table(self._changes, ("setting", self._preset_name, "now"))))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without changes there is nothing to save or to revert."""
        return bool(self._changes) or not action.startswith("answer")

    def action_answer(self, answer: str) -> None:
        """Dismisses with save or revert; with None if nothing has changed."""
        self.dismiss(answer if self._changes else None)


def changes_table(changes: dict[str, tuple[Any, Any]], titles: tuple[str, str, str]) -> Table:
    """Key paths with two values each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column()
    table.add_row(*(Text(title, "dim") for title in titles))
    for path, (old, new) in changes.items():
        table.add_row(Text(path), Text(written(old), "dim"), Text(written(new), "bold"))
    return table


def written(value: Any) -> str:
    """A value as the settings show it; a dash where one side has no such setting."""
    if changes := read(value):
        return in_words(None, changes)
    return "-" if value is None else shown(value) or NOT_SET
