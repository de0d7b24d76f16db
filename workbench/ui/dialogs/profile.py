"""The operators that took most of some profiled steps, and where the trace lies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.files import short_path
from workbench.printable import without_sequences
from workbench.runs.measurements import Profiled
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.keys.copying import Copied
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.bars import thin_bar
from workbench.wording import TRACE_VIEWER, profile_title

BAR_CELLS = 14
WIDE_COLUMNS = 70
"""From this width of the screen on, calls and bars are shown."""


class ProfileDialog(Dialog[bool]):
    """A row for each operator; scrolls where the screen is low."""

    app: StyledApp
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "app.copy", "copy", show=True),
        Binding("escape,enter,w,q", "cancel", "close", show=True),
    ]
    DEFAULT_CSS = """
    ProfileDialog > #box { width: 110; }
    ProfileDialog VerticalScroll { height: auto; max-height: 100%; }
    """

    def __init__(self, profiled: Profiled, run: Path) -> None:
        """run: the run's directory, in which the trace lies."""
        super().__init__()
        self.title_text = profile_title(profiled)
        self._profiled = profiled
        self._run = run

    def body(self) -> Iterable[Widget]:
        # Above the table, which scrolls where the screen is low.
        yield plain(short_path(self._run / self._profiled.file))
        yield plain(f"the trace: open it at {TRACE_VIEWER} (nothing is uploaded); y copies its path", classes="dim")
        if self._profiled.note:
            yield plain(self._profiled.note, classes="warning")
        yield VerticalScroll(Static(self._table()))

    def copyable(self) -> Copied:
        return Copied("the path of the trace", str((self._run / self._profiled.file).absolute()))

    def _table(self) -> Table:
        """Times are per step, to be compared with the time of a step."""
        dim, is_wide = self.app.palette["dim"], self.app.size.width >= WIDE_COLUMNS
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        titles = [
            "operator of a step" if is_wide else "operator",
            *(["calls"] if is_wide else []),
            "self ms",
            *([""] if is_wide else []),
            "of time",
        ]
        for title in titles[1:]:
            table.add_column(no_wrap=True, justify="right", min_width=BAR_CELLS if title == "" else 7)
        table.add_row(*(Text(title, dim) for title in titles))
        for row in self._profiled.operators:
            table.add_row(*self._cells(row, is_wide))
        if not self._profiled.operators:
            table.add_row(Text("the profiler has seen no operator", dim))
        return table

    def _cells(self, row: dict[str, Any], is_wide: bool) -> list[Text]:
        palette, steps, fraction = self.app.palette, max(self._profiled.steps, 1), float(row["share"])
        calls = Text(f"{row['calls'] / steps:,.4g}", palette["text"])
        bar = thin_bar(fraction, BAR_CELLS, self.app.glyphs, palette["train"], palette["line"])
        return [
            Text(without_sequences(str(row["name"])), palette["text"]),
            *([calls] if is_wide else []),
            Text(f"{row['self_ms'] / steps:,.3f}", palette["strong"]),
            *([bar] if is_wide else []),
            Text(f"{100 * fraction:.1f} %", palette["text"]),
        ]
