"""The table of runs as lines of text: the titles of its columns, a line for each run and each group."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from workbench.runs.row import RunRow
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.runs_arrangement import Group
from workbench.ui.panels.runs_column import GAP, Column
from workbench.units import counted


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
        texts = []
        for column, cells in self._columns:
            if column.key == sorted_by.key:
                blank = " " * (len(column.title) + 2 <= cells)
                texts.append(Text(f"{glyphs.cut(column.title, cells)}{blank}{arrow}", self._plain))
            else:
                texts.append(Text(column.title, self._dim))
        return self._joined(texts, overhang=1)

    def run(self, row: RunRow) -> Text:
        """A run."""
        return self._joined(
            [
                Text.assemble(*((text, self._style(style)) for text, style in column.parts(row, cells) if text))
                for column, cells in self._columns
            ]
        )

    def _style(self, name: str) -> Style:
        """A style by its name; `strong` before another one makes it bold."""
        colour = name.removeprefix("strong ")
        style = self._widget.style_of(colour)
        return style if colour == name else style + self._widget.style_of("strong").without_color

    def group(self, group: Group) -> Text:
        """A group: how many runs it has, what they have in common, and the means of their results."""
        glyphs, strong = self._widget.glyphs, self._widget.style_of("strong")
        own = {
            "state": f"{glyphs.folded if group.is_folded else glyphs.open} {counted(len(group.rows), 'run')}",
            "run": group.name,
        }
        texts = []
        for column, _ in self._columns:
            text = own.get(column.key) or ("" if column.summary is None else column.summary(group.rows))
            texts.append(Text(text, strong if column.key in own or column.at_right else self._plain))
        return self._joined(texts, overhang=1)

    def _joined(self, texts: Sequence[Text], overhang: int = 0) -> Text:
        """overhang: cells of the gap behind it that a text may use."""
        line = Text()
        for text, (column, cells) in zip(texts, self._columns, strict=True):
            text = self._widget.cut(text, cells + overhang)
            blanks = cells - text.cell_len
            line.append(" " * (blanks if column.at_right else 0))
            line.append_text(text)
            line.append(" " * (GAP + (min(blanks, 0) if column.at_right else blanks)))
        line.right_crop(GAP)
        return line
