"""The keys, from the table that defines them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.ui.dialogs.dialog import Dialog

TWO_COLUMNS_FROM = 116
"""Columns of the screen."""
Section = tuple[str, Sequence[tuple[str, str]]]


class HelpDialog(Dialog[bool]):
    """Sections of keys and what they do; scrolls where the screen is low."""

    title_text = "keys"
    DEFAULT_CSS = """
    HelpDialog > #box { max-width: 100%; }
    HelpDialog > #box.-columns { width: 116; }
    HelpDialog VerticalScroll { height: auto; max-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q", "cancel", "close", show=False)]

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(self._columns()))

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#box").set_class(self._has_columns, "-columns")

    @property
    def _has_columns(self) -> bool:
        """Whether the sections are in two columns: if one is higher than the screen, and two have room."""
        return self.app.size.width >= TWO_COLUMNS_FROM and _height(self._sections) > self.app.size.height - 4

    def _columns(self) -> Table:
        if not self._has_columns:
            return _table(self._sections)
        both = Table.grid(padding=(0, 3))
        both.add_row(*map(_table, _two_columns(self._sections)))
        return both


def _two_columns(sections: Sequence[Section]) -> tuple[Sequence[Section], Sequence[Section]]:
    """Divides the sections, each in its order, so that the higher column is as low as possible; the first is left."""
    first, *others = sections
    found: list[tuple[int, list[Section], list[Section]]] = []
    for sides in product((0, 1), repeat=len(others)):
        left = [first, *(section for section, side in zip(others, sides, strict=True) if side == 0)]
        right = [section for section, side in zip(others, sides, strict=True) if side == 1]
        found.append((max(map(_height, (left, right))), left, right))
    _, left, right = min(found, key=lambda each: each[0])
    return left, right


def _height(sections: Sequence[Section]) -> int:
    return sum(len(rows) + 2 for _, rows in sections)


def _table(sections: Sequence[Section]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    for number, (title, rows) in enumerate(sections):
        if number:
            table.add_row("", "")
        table.add_row("", Text(title, "bold"))
        for keys, what in rows:
            table.add_row(Text(keys, "bold"), Text(what))
    return table
