"""The table of runs as lines of text: the titles of its columns, and a line for each run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.runs.row import RunRow
from workbench.ui.look.run_marks import RunMark
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.runs_columns import (
    GAP,
    Column,
    epochs_of,
    label_of,
    name_of,
    state_of,
    tags_of,
    tested,
    written,
)
from workbench.ui.panels.top_bar import STATE_STYLES
from workbench.units import duration

OWN_STYLES = {"running": "good", "broken": "error"}


class RunPainter:
    """Draws runs in columns."""

    def __init__(self, columns: Sequence[tuple[Column, int]], widget: LineWidget) -> None:
        """columns: each with its width in cells; widget: gives styles and glyphs."""
        self._columns = columns
        self._widget = widget
        self._plain, self._dim = widget.style_of("text"), widget.style_of("dim")

    def titles(self, sorted_by: Column, *, descending: bool) -> Text:
        """The titles; an arrow marks the column by which the runs are sorted."""
        glyphs = self._widget.glyphs
        arrow = glyphs.open if descending else "^" if glyphs.ascii else "▴"
        return self._joined(
            [
                Text(f"{column.name} {arrow}", self._plain) if column is sorted_by else Text(column.name, self._dim)
                for column, _ in self._columns
            ]
        )

    def line(self, row: RunRow, *, mark: RunMark | None, differs: str) -> Text:
        """A run. mark: None if it is not marked; differs: how it differs from its preset."""
        cells = [self._cell(column.name, row, width, mark, differs) for column, width in self._columns]
        return self._joined(cells)

    def _joined(self, texts: Sequence[Text]) -> Text:
        line = Text()
        for text, (column, cells) in zip(texts, self._columns, strict=True):
            text = self._widget.cut(text, cells)
            if line.cell_len:
                line.append(" " * GAP)
            line.append(" " * (cells - text.cell_len if column.at_right else 0))
            line.append_text(text)
            line.append(" " * (0 if column.at_right else cells - text.cell_len))
        return line

    def _cell(self, name: str, row: RunRow, cells: int, mark: RunMark | None, differs: str) -> Text:
        plain, dim = self._plain, self._dim
        match name:
            case "":
                return Text() if mark is None else self._letter(mark)
            case "state":
                return self._state(state_of(row))
            case "preset":
                return Text(name_of(row), plain)
            case "tags":
                return Text(tags_of(row), self._widget.style_of("accent"))
            case "differs":
                return Text(row.reason, self._widget.style_of("error")) if row.broken else Text(differs, dim)
            case "best":
                if row.best is None:
                    return Text("-", dim)
                return Text.assemble((f"{label_of(row.monitor)} ", dim), (written(row.monitor, row.best), plain))
            case "test":
                return Text(written(row.monitor, tested(row)), plain if tested(row) is not None else dim)
            case "epochs":
                return Text(epochs_of(row), dim)
            case "time":
                return Text("-" if row.seconds is None else duration(row.seconds), dim)
        started = "-" if row.started is None else f"{row.started.astimezone():%Y-%m-%d %H:%M}"
        return Text(started if len(started) <= cells else started[5:], dim)

    def _state(self, state: str) -> Text:
        glyphs = self._widget.glyphs
        glyph = glyphs.wrong if state in ("failed", "lost", "broken") else glyphs.state
        style = OWN_STYLES.get(state) or STATE_STYLES.get(state, "dim")
        return Text.assemble((glyph, self._widget.style_of(style)), (f" {state}", self._plain))

    def _letter(self, mark: RunMark) -> Text:
        strong = self._widget.style_of("strong").without_color
        return Text(mark.letter, self._widget.style_of(mark.style) + strong)
