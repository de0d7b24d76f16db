"""The keys of a screen, from the tables that define them; typing narrows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from workbench.ui.dialogs.dialog import Dialog
from workbench.ui.keys.help import Section, matching
from workbench.ui.look.styled_app import StyledApp

TWO_COLUMNS_FROM = 110
"""Columns of the screen."""
LEAST_LINES = 12
"""Fewer are in one column."""


class HelpDialog(Dialog[bool]):
    """Sections of keys and what they do; scrolls where the screen is low."""

    app: StyledApp
    title_text = "keys"
    DEFAULT_CSS = """
    HelpDialog > #box { width: 80; max-width: 100%; }
    HelpDialog > #box.-columns { width: 132; height: 94%; }
    HelpDialog #sections { height: auto; max-height: 100%; margin-top: 1; }
    HelpDialog > #box.-columns #sections { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "up", show=False, priority=True),
        Binding("down", "scroll(1)", "down", show=False, priority=True),
        Binding("pageup", "scroll(-10)", "page up", show=False, priority=True),
        Binding("pagedown", "scroll(10)", "page down", show=False, priority=True),
        Binding("escape", "cancel", "close", show=True),
    ]

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def body(self) -> Iterable[Widget]:
        yield Input(placeholder="type a word or a key", id="typed")
        yield VerticalScroll(Static(id="keys"), id="sections", can_focus=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._show()

    def on_resize(self) -> None:
        """Uses as many columns as the screen has room for."""
        self._show()

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        if message.value.endswith("?"):  # the key that opened it; the field takes it for text
            self.action_cancel()
        else:
            self._show()

    def _show(self) -> None:
        has_columns = self.app.size.width >= TWO_COLUMNS_FROM
        self.query_one("#box").set_class(has_columns, "-columns")
        found = matching(self._sections, self.query_one(Input).value)
        columns = [found]
        if has_columns and len(found) > 1 and _height(found) > LEAST_LINES:
            columns = _two_columns(found)
        styles = self.app.palette["accent"], self.app.palette["dim"]
        shown = Table.grid(padding=(0, 3))
        shown.add_row(*(_table(column, *styles) for column in columns))
        self.query_one("#keys", Static).update(shown if found else Text("no key for that", styles[1]))

    def action_scroll(self, lines: int) -> None:
        """Scrolls the sections."""
        self.query_one("#sections", VerticalScroll).scroll_relative(y=lines, animate=False)


def _two_columns(sections: Sequence[Section]) -> list[list[Section]]:
    """Divides the sections, each in its order, so that the higher column is as low as possible; the first is left."""
    first, *others = sections
    found: list[tuple[int, list[Section], list[Section]]] = []
    for sides in product((0, 1), repeat=len(others)):
        left = [first, *(section for section, side in zip(others, sides, strict=True) if side == 0)]
        right = [section for section, side in zip(others, sides, strict=True) if side == 1]
        found.append((max(map(_height, (left, right))), left, right))
    _, left, right = min(found, key=lambda each: each[0])
    return [left, right]


def _height(sections: Sequence[Section]) -> int:
    return sum(len(rows) + 2 for _, rows in sections)


def _table(sections: Sequence[Section], accent: Style, dim: Style) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    for number, (title, rows) in enumerate(sections):
        if number:
            table.add_row("", "")
        table.add_row("", Text(title, "bold"))
        for row in rows:
            what, colon, more = row.text.partition(":")
            table.add_row(Text(row.keys, accent), Text.assemble(what, (f"{colon}{more}", dim)))
    return table
