"""The keys, from the table that defines them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.ui.screens.dialog import Dialog

Section = tuple[str, Sequence[tuple[str, str]]]


class HelpDialog(Dialog[bool]):
    """Sections of keys and what they do; scrolls where the screen is low."""

    title_text = "keys"
    DEFAULT_CSS = "HelpDialog VerticalScroll { height: auto; max-height: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q", "cancel", "close", show=False)]

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(self._table()))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, justify="right")
        table.add_column()
        for number, (title, rows) in enumerate(self._sections):
            if number:
                table.add_row("", "")
            table.add_row("", Text(title, "bold"))
            for keys, what in rows:
                table.add_row(Text(keys, "bold"), Text(what))
        return table
