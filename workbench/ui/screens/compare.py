"""Some runs side by side: the settings in which they differ, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.display import LABELS
from workbench.runs.catalogue import RunRow
from workbench.ui.panels.charts import OVERLAY_LETTERS
from workbench.ui.screens.changes import written
from workbench.ui.screens.dialog import Dialog
from workbench.units import duration

PERCENT = ("accuracy", "f1_macro")
TEST_METRICS = ("accuracy", "f1_macro", "roc_auc", "loss", "rmse", "r2")


class CompareDialog(Dialog[bool]):
    """A column a run, under the letters that the charts use."""

    title_text = "compare"
    DEFAULT_CSS = """
    CompareDialog > #box { width: 120; }
    CompareDialog VerticalScroll { height: auto; max-height: 40; }
    """

    def __init__(self, rows: Sequence[RunRow]) -> None:
        super().__init__()
        self._rows = rows

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(self._table()))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        for _ in self._rows:
            table.add_column()
        letters = OVERLAY_LETTERS[: len(self._rows)]
        table.add_row("", *(Text(letter, "bold") for letter in letters))
        table.add_row(Text("run", "dim"), *(Text(row.run.name, "dim") for row in self._rows))
        table.add_row("")
        differing = differing_settings(self._rows)
        for path, values in differing.items():
            table.add_row(Text(path), *(Text(written(value), "bold") for value in values))
        if not differing:
            table.add_row(Text("no setting differs", "dim"))
        table.add_row("")
        for title, values in self._results():
            table.add_row(Text(title, "dim"), *(Text(value) for value in values))
        return table

    def _results(self) -> Iterable[tuple[str, list[str]]]:
        yield "state", [row.status for row in self._rows]
        yield "epochs", [f"{row.epoch}/{row.epochs}" for row in self._rows]
        yield "best", [_value(row.monitor, row.best) for row in self._rows]
        for name in TEST_METRICS:
            values = [(row.test or {}).get(name) for row in self._rows]
            if any(value is not None for value in values):
                yield f"test {LABELS.get(name, name.removesuffix('_macro'))}", [_value(name, value) for value in values]
        yield "time", ["-" if row.seconds is None else duration(row.seconds) for row in self._rows]


def differing_settings(rows: Sequence[RunRow]) -> dict[str, list[Any]]:
    """Key path to the value in each run, for those that are not the same in all."""
    paths = dict.fromkeys(path for row in rows for path in row.settings)
    values = {path: [row.settings.get(path) for row in rows] for path in paths if path != "description"}
    return {path: found for path, found in values.items() if any(value != found[0] for value in found)}


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if name in PERCENT else f"{value:.4g}"
