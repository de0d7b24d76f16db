"""Runs side by side: the settings in which they differ, and their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.metrics import in_reading_order, undeclared
from workbench.runs.row import RunRow
from workbench.settings.differing import differing
from workbench.ui.dialogs.changes import written as shown
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.look.run_marks import COLOURS, RunMark
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.runs_columns import epochs_of
from workbench.ui.panels.runs_results import label_of, number, written
from workbench.ui.panels.runs_shown import state_of
from workbench.units import duration

ONE_EACH = (
    "One training each: nothing can be concluded, because chance alone moves these results. More seeds can tell: "
    "workbench tune repeat, then workbench compare."
)


class CompareDialog(Dialog[bool]):
    """A column for each run, under the letter that it has on the charts."""

    app: StyledApp
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,v,q", "cancel", "close", show=True)]
    title_text = "compare"
    DEFAULT_CSS = """
    CompareDialog > #box { width: 120; }
    CompareDialog VerticalScroll { height: auto; max-height: 70vh; }
    """

    def __init__(
        self,
        rows: Sequence[RunRow],
        names: Sequence[str] = (),
        states: Sequence[str] = (),
        marks: Sequence[RunMark] = (),
    ) -> None:
        """names: over the columns, where runs have no marks. states: instead of those of the runs."""
        super().__init__()
        self._rows = rows
        self._names = names or [mark.letter for mark in marks]
        self._styles = [mark.style for mark in marks] or [
            f"overlay-{place % COLOURS + 1}" for place in range(len(rows))
        ]
        self._states = states or [state_of(row) for row in rows]

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(self._table()))
        if sum(row.best is not None for row in self._rows) > 1:
            yield plain("")
            yield plain(ONE_EACH, classes="dim")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        for _ in self._rows:
            table.add_column()
        styles = [self.app.palette[name] + Style(bold=True) for name in self._styles]
        table.add_row("", *(Text(name, style) for name, style in zip(self._names, styles, strict=True)))
        table.add_row(Text("preset", "dim"), *(Text(row.preset_name) for row in self._rows))
        table.add_row(Text("started", "dim"), *(Text(_started(row), "dim") for row in self._rows))
        table.add_row("")
        differing = differing_settings(self._rows)
        for path, values in differing.items():
            table.add_row(Text(path), *(Text(shown(value), "bold") for value in values))
        if not differing:
            table.add_row(Text("no setting differs", "dim"))
        table.add_row("")
        for title, values in self._results():
            table.add_row(Text(title, "dim"), *(Text(value) for value in values))
        return table

    def _results(self) -> Iterable[tuple[str, list[str]]]:
        yield "state", list(self._states)
        yield "epochs", [epochs_of(row) for row in self._rows]
        monitors = {row.monitor for row in self._rows if row.best is not None}
        if len(monitors) == 1:
            title = f"best {label_of(monitors.pop())}"
            yield title, [written(row.monitor, row.best) for row in self._rows]
        else:
            yield "best", [_best(row) for row in self._rows]
        names = [metric.name for metric in in_reading_order() if metric.can_monitor]
        for name in dict.fromkeys([*names, *(name for row in self._rows for name in undeclared(row.test or {}))]):
            values = [number((row.test or {}).get(name)) for row in self._rows]
            if any(value is not None for value in values):
                yield f"test {label_of(name)}", [written(name, value) for value in values]
        yield "time", ["-" if row.seconds is None else duration(row.seconds) for row in self._rows]


def differing_settings(rows: Sequence[RunRow]) -> dict[str, list[Any]]:
    """By key path, the values in all runs, for settings whose values differ."""
    return differing([row.settings for row in rows])


def _best(row: RunRow) -> str:
    return "-" if row.best is None else f"{label_of(row.monitor)} {written(row.monitor, row.best)}"


def _started(row: RunRow) -> str:
    return "-" if row.started is None else f"{row.started.astimezone():%m-%d %H:%M}"
