"""Runs side by side: the settings in which they differ, and their results; one run: beside the next run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from rich.measure import Measurement
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.widget import Widget
from textual.widgets import Static

from workbench.metrics import in_reading_order, metric, undeclared
from workbench.runs.row import RunRow
from workbench.settings.differing import NAMES, differing
from workbench.settings.preset import Preset
from workbench.settings.renamed import with_present_paths
from workbench.ui.dialogs.changes import written as shown
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.keys.copying import Copied
from workbench.ui.look.run_marks import COLOURS, RunMark
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.runs_columns import epochs_of
from workbench.ui.panels.runs_results import difference, label_of, number, written
from workbench.ui.panels.runs_shown import state_of
from workbench.units import duration

ONE_EACH = (
    "One training each: nothing can be concluded, because chance alone moves these results. More seeds can tell: "
    "workbench tune repeat, then workbench compare."
)

NEXT_RUN = "next run"
BORDER_CELLS = 6
"""Of the box and of a bar to scroll by, beside the table."""
MOST_PERCENT = 70
"""Of the screen's height, for the table; it is scrolled if it is longer."""
LEAST_CELLS, MOST_CELLS = 94, 10_000


class CompareDialog(Dialog[bool]):
    """A column for each run, under the letter that it has on the charts."""

    app: StyledApp
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,v,q", "cancel", "close", show=True)]
    title_text = "compare"
    DEFAULT_CSS = """
    CompareDialog #scrolled { width: 1fr; max-height: 70vh; }
    """

    def __init__(
        self,
        rows: Sequence[RunRow],
        names: Sequence[str] = (),
        states: Sequence[str] = (),
        marks: Sequence[RunMark] = (),
        next_run: Preset | None = None,
    ) -> None:
        """names: over the columns, where runs have no marks. states: instead of those of the runs.

        next_run: its settings get a column of their own; then those that do not differ are shown too.
        """
        super().__init__()
        self._next_run = next_run
        self._rows = rows
        self._names = names or [mark.letter for mark in marks]
        self._styles = [mark.style for mark in marks] or [
            f"overlay-{place % COLOURS + 1}" for place in range(len(rows))
        ]
        self._states = states or [state_of(row) for row in rows]

    def body(self) -> Iterable[Widget]:
        yield ScrollableContainer(Static(id="compared"), id="scrolled")
        if sum(row.best is not None for row in self._rows) > 1:
            yield plain("")
            yield plain(ONE_EACH, classes="dim")

    def on_mount(self) -> None:
        """Makes the box as large as the table, if the screen is large enough; else the table is scrolled."""
        super().on_mount()
        table = self._table()
        options = self.app.console.options.update(max_width=MOST_CELLS)
        width = Measurement.get(self.app.console, options, table).maximum
        compared = self.query_one("#compared", Static)
        compared.styles.width, compared.styles.height = width, table.row_count
        compared.update(table)
        is_wide = width + BORDER_CELLS > self.app.size.width
        scrolled = self.query_one("#scrolled")
        scrolled.styles.height = min(table.row_count + is_wide, self.app.size.height * MOST_PERCENT // 100)
        scrolled.focus()
        self.query_one("#box").styles.width = max(width + BORDER_CELLS, LEAST_CELLS)

    def copyable(self) -> Copied | None:
        """The whole table (TSV), with the columns and rows that the screen has no room for."""
        columns = [
            [cell.plain if isinstance(cell, Text) else str(cell) for cell in column.cells]
            for column in self._table().columns
        ]
        rows = ("\t".join(cell.strip() for cell in row).rstrip() for row in zip(*columns, strict=True))
        return Copied("the comparison", "\n".join(rows))

    def _table(self) -> Table:
        settings = self._settings()
        table = Table.grid(padding=(0, 2))
        for _ in range(len(settings) + 1):  # the first has the titles
            table.add_column(no_wrap=True)
        styles = [self.app.palette[name] + Style(bold=True) for name in self._styles]
        names = [Text(name, style) for name, style in zip(self._names, styles, strict=True)]
        for name, row in zip(names, self._rows, strict=True):
            name.append(f" {self.app.glyphs.pinned}" * row.pinned, self.app.palette["accent"])
        presets = [Text(row.preset_name) for row in self._rows]
        if self._next_run is not None:
            names.append(Text(NEXT_RUN, self.app.palette["strong"]))
            presets.append(Text(self._next_run.name))
        table.add_row("", *names)
        table.add_row(Text("preset", "dim"), *presets)
        table.add_row(Text("started", "dim"), *(Text(_started(row), "dim") for row in self._rows))
        table.add_row("")
        found = differing(settings)
        for path, values in found.items():
            table.add_row(Text(path), *(Text(shown(value), "bold") for value in values))
        if not found:
            table.add_row(Text("no setting differs", "dim"))
        table.add_row("")
        for title, texts in self._results():
            table.add_row(Text(title, "dim"), *texts)
        if self._next_run is not None:
            table.add_row("")
            table.add_row(Text("the same in both", "dim"))
            for path, value in settings[0].items():
                if path not in found and path not in NAMES:
                    table.add_row(Text(path), *[Text(shown(value), "dim")] * len(settings))
        return table

    def _settings(self) -> list[Mapping[str, Any]]:
        """Of each column, by key path as it is today."""
        every: list[Mapping[str, Any]] = [with_present_paths(row.settings) for row in self._rows]
        if self._next_run is not None:  # a run has absolute paths
            every.append(self._next_run.with_absolute_paths().flat())
        return every

    def _results(self) -> Iterable[tuple[str, list[Text]]]:
        yield "state", [Text(state) for state in self._states]
        yield "epochs", [Text(epochs_of(row)) for row in self._rows]
        monitors = {row.monitor for row in self._rows if row.best is not None}
        if len(monitors) == 1:
            name = monitors.pop()
            yield f"best {label_of(name)}", self._measured(name, [row.best for row in self._rows])
        else:
            yield "best", [Text(_best(row)) for row in self._rows]
        names = [each.name for each in in_reading_order() if each.can_monitor]
        for name in dict.fromkeys([*names, *(name for row in self._rows for name in undeclared(row.test or {}))]):
            values = [number((row.test or {}).get(name)) for row in self._rows]
            if any(value is not None for value in values):
                yield f"test {label_of(name)}", self._measured(name, values)
        yield "time", [Text("-" if row.seconds is None else duration(row.seconds)) for row in self._rows]

    @property
    def _base(self) -> int:
        """The place of the run with which the others are compared: the pinned one, else the first."""
        return next((place for place, row in enumerate(self._rows) if row.pinned), 0)

    def _measured(self, name: str, values: Sequence[float | None]) -> list[Text]:
        """The values of a metric: the best with a star, the others with how far they are from those of the base."""
        if len(values) < 2:
            return [Text(written(name, value)) for value in values]
        each, palette, glyphs = metric(name), self.app.palette, self.app.glyphs
        ranks = [None if value is None or value != value else each.rank(value) for value in values]
        known = {rank for rank in ranks if rank is not None}
        best = max(known) if len(known) > 1 else None
        base, texts = values[self._base], []
        for value, rank in zip(values, ranks, strict=True):
            is_best = rank is not None and rank == best
            star = f"{glyphs.best} " if is_best else "  "
            text = Text.assemble(
                (star, palette["good"]), (written(name, value), palette["strong" if is_best else "text"])
            )
            if rank is not None and base is not None and value is not None and value != base and base == base:
                style = palette["good" if rank > each.rank(base) else "error"]
                text.append(f"  {difference(each, value, base)}", style)
            texts.append(text)
        return texts


def _best(row: RunRow) -> str:
    return "-" if row.best is None else f"{label_of(row.monitor)} {written(row.monitor, row.best)}"


def _started(row: RunRow) -> str:
    return "-" if row.started is None else f"{row.started.astimezone():%m-%d %H:%M}"
