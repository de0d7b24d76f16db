"""One row of the settings as a line of text: label, value, and a remark if there is room.

A remark that does not fit is left out whole: first the help, then the value that a run in progress uses, then the
fault. The hint line shows all of them for the row at the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from workbench.ui.form.fields import NOT_SET
from workbench.ui.form.rows import Row
from workbench.ui.look.glyphs import Glyphs
from workbench.ui.panels.settings_hint import NO_EFFECT

LABEL_SHARE = 0.53
LABEL_CELLS = (12, 27)
"""Fewest and most cells of the labels; every label fits into the most. In fewer, long ones are shortened."""
HELP_FROM_WIDTH = 74
"""From this width on, each setting's help is shown beside it."""
VALUE_CELLS = 17
"""Cells of the values if help is shown beside them."""
INDENT = 2
ARROW_CELLS = 4


@dataclass(frozen=True)
class Columns:
    """The columns of a panel of some width, in cells from the left."""

    width: int
    label_end: int
    help: int
    """0 where there is no room for help."""

    @classmethod
    def of(cls, width: int) -> Columns:
        """The columns of a panel with `width` cells inside its border."""
        least, most = LABEL_CELLS
        label_end = min(max(int(width * LABEL_SHARE), least), most)
        return cls(width, label_end, label_end + VALUE_CELLS + ARROW_CELLS if width >= HELP_FROM_WIDTH else 0)

    @property
    def arrows(self) -> tuple[int, int]:
        """The columns of the two arrows of the row at the cursor."""
        left = self.help - 5 if self.help else self.width - 3
        return left, left + 2

    def field_cells(self, row: Row) -> int:
        """The width of a field over the value; a message is shown beside it, in place of the help."""
        return (self.help - 1 if self.help and row.kind == "number" else self.width) - self.label_end


class RowPainter:
    """Draws rows."""

    def __init__(self, columns: Columns, style_of: Callable[[str], Style], glyphs: Glyphs) -> None:
        self._columns = columns
        self._style = style_of
        self._glyphs = glyphs

    def line(self, row: Row, at_cursor: bool, running: str | None, folded: Sequence[Row] | None, problem: str) -> Text:
        """Draws a row.

        running: the value that a run in progress uses, if it differs; folded: the rows that a folded head hides.

        problem: the fault of the row, or of the text being typed into it.
        """
        arrows = f"{self._glyphs.left} {self._glyphs.right}" if at_cursor and row.can_step else ""
        columns = self._columns
        # The arrows stand between value and help; without help, at the right.
        before_arrows = columns.arrows[0] - 1 if arrows else columns.width
        line = self._label(row, at_cursor)
        if arrows and columns.label_end + self._value_cells(row) > before_arrows:
            arrows, before_arrows = "", columns.width
        self._add_value(line, row, min(before_arrows, columns.help - 1 if columns.help else columns.width), folded)
        if not columns.help:
            self._add_remark(line, row, before_arrows, running, problem)
        if arrows:
            line.pad_right(columns.arrows[0] - line.cell_len)
            line.append(arrows, self._style("dim"))
        if columns.help:
            self._add_remark(line, row, columns.width, running, problem)
        if folded and row.kind == "table":
            self._add_summary(line, folded)
        elif row.kind == "table":
            line.append(self._glyphs.cut(row.sense, columns.width - line.cell_len), self._style("dim"))
        if at_cursor:
            line.pad_right(max(columns.width - line.cell_len, 0))
            line.stylize(self._style("cursor"))
        return line

    def _label(self, row: Row, at_cursor: bool) -> Text:
        cells = self._columns.label_end
        if row.is_head:
            return Text.assemble((f"{row.label.capitalize():<{cells}}", self._style("strong")))
        room = cells - INDENT - 1
        name = shortened(row.label, room, self._glyphs)
        return Text.assemble((f"{'':<{INDENT}}{name:<{room}} ", self._style("text" if at_cursor else "dim")))

    def _add_value(self, line: Text, row: Row, end: int, folded: Sequence[Row] | None) -> None:
        if row.problem:
            line.append(f"{self._glyphs.wrong} " if row.value else self._glyphs.wrong, self._style("error"))
        value = row.value or (row.empty or NOT_SET if row.kind == "text" and not row.problem else "")
        marks = self._marks(row, folded)
        line.append(self._glyphs.cut(value, end - line.cell_len - marks.cell_len), self._style(_value_style(row)))
        if row.empty and row.kind == "number" and line.cell_len + len(row.empty) + 1 + marks.cell_len <= end:
            line.append(f" {row.empty}", self._style("dim"))
        line.append_text(marks)

    def _value_cells(self, row: Row) -> int:
        return cell_len(row.value) + 2 * bool(row.problem) + 2 * row.changed + 2 * (row.kind == "family")

    def _marks(self, row: Row, folded: Sequence[Row] | None) -> Text:
        marks = Text()
        if row.kind == "family":
            marks.append(f" {self._glyphs.open if folded is None else self._glyphs.folded}", self._style("dim"))
        elif row.kind == "table" and folded is not None:
            marks.append(self._glyphs.folded, self._style("dim"))
        if row.changed or any(hidden.changed for hidden in folded or ()):
            marks.append(f" {self._glyphs.dot}", self._style("warning"))
        if any(hidden.problem for hidden in folded or ()):
            marks.append(f" {self._glyphs.wrong}", self._style("error"))
        return marks

    def _add_remark(self, line: Text, row: Row, end: int, running: str | None, problem: str) -> None:
        """Adds a remark: in the column of the help, or after the value."""
        column = self._columns.help
        remarks = self._remarks(row, running, problem)
        style = self._style("error" if problem else "dim")
        if column and remarks:
            line.pad_right(max(column - line.cell_len, 1))
            line.append(self._glyphs.cut(remarks[0], end - line.cell_len), style)
        elif remarks:
            gap = " " if row.problem and not row.value else "  "  # after the mark alone
            spaced = [f"{gap}{remarks[0]}", *(f" {remark}" for remark in remarks)]
            fitting = [text for text in spaced if line.cell_len + cell_len(text) <= end]
            line.append(fitting[0] if fitting else "", style)

    def _remarks(self, row: Row, running: str | None, problem: str) -> list[str]:
        """The fault, else why it has no effect, else the running value, else the help; shorter ones after it."""
        if problem:
            # The row's own problem has its mark before the value already.
            return [problem if row.problem else f"{self._glyphs.wrong} {problem}"]
        if row.lacks:
            return [f"{NO_EFFECT}: {row.lacks}", NO_EFFECT]
        if running is not None:
            return [f"running {running}", f"run: {running}"]
        return [row.help] if self._columns.help and row.kind != "table" else []

    def _add_summary(self, line: Text, folded: Sequence[Row]) -> None:
        """Adds the settings that a folded table hides, as many as fit."""
        more = f", {self._glyphs.ellipsis}"
        summary = ""
        for row in folded:
            item = f"{', ' if summary else ' '}{row.label} {row.value or NOT_SET}"
            if line.cell_len + cell_len(summary + item + more) > self._columns.width:
                summary += more if summary else ""
                break
            summary += item
        line.append(summary, self._style("dim"))


def shortened(label: str, cells: int, glyphs: Glyphs) -> str:
    """A label in at most that many cells: its first word and its last ones tell it from others that begin alike."""
    first, *others = label.split()
    shorter = (f"{first} {glyphs.ellipsis} {' '.join(others[place:])}" for place in range(1, len(others)))
    return next((text for text in (label, *shorter) if cell_len(text) <= cells), glyphs.cut(label, cells))


def _value_style(row: Row) -> str:
    if row.problem:
        return "error"
    if row.lacks or not row.value:
        return "dim"
    return "accent" if row.kind == "family" else "text"
