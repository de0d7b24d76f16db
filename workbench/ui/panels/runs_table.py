"""The table of all runs. Only those in view are drawn, so that keys are answered at once with a thousand runs too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.files import short_path
from workbench.runs.row import RunRow, arranged
from workbench.ui.keys.copying import Copied
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.runs_columns import GAP, SORTABLE, Column, fitting, state_of, tags_of
from workbench.ui.panels.runs_lines import RunPainter
from workbench.units import count

HEAD_LINES = 1
SCROLL_LINES = 3


class RunsTable(Panel):
    """Runs, a line each, sorted and filtered; one under the cursor, some marked with a letter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    class Moved(Message):
        """Another run is under the cursor, or the same one has changed."""

    class Chosen(Message):
        """The run under the cursor was clicked once more."""

    def __init__(self, folder: Path, marks: RunMarks, marked: Sequence[str] = (), *, id: str | None = None) -> None:
        """marks: gives each marked run its letter; marked: names of runs, in the order in which they were marked."""
        super().__init__(id=id)
        self._folder = folder
        self._marks = marks
        self._rows: list[RunRow] | None = None
        self._problem = ""
        self._differences: dict[str, str] = {}
        self._shown: list[RunRow] = []
        self._words: list[str] = []
        self._sorted_by = SORTABLE[-1]
        self._descending = self._sorted_by.descending
        self._cursor = self._offset = 0
        self.marked: list[str] = list(marked)

    # What is shown.

    def show(self, rows: list[RunRow], differences: dict[str, str]) -> None:
        """Shows runs; the cursor stays on its run. differences: by a run's name, how it differs from its preset."""
        self._rows, self._differences = rows, differences
        names = {row.run.name for row in rows}
        self.marked = [name for name in self.marked if name in names]
        self._arrange()

    def fail(self, problem: str) -> None:
        """Shows why the runs cannot be read; those that were read before stay."""
        self._problem = problem
        self.redraw()

    def filter(self, text: str) -> None:
        """Shows only the runs that have all these words."""
        self._words = text.lower().split()
        self._arrange()

    def sort_by_next(self) -> None:
        """Sorts by the next column, in its usual direction."""
        self._sort_by(SORTABLE[(SORTABLE.index(self._sorted_by) + 1) % len(SORTABLE)])

    def reverse(self) -> None:
        """Sorts the other way round."""
        self._descending = not self._descending
        self._arrange()

    def _sort_by(self, column: Column) -> None:
        self._sorted_by, self._descending = column, column.descending
        self._arrange()

    @property
    def rows(self) -> list[RunRow]:
        """All runs, shown or not."""
        return self._rows or []

    def copyable(self) -> Copied | None:
        """The paths of the marked runs; none marked: that of the run under the cursor."""
        rows = self.marked_rows or ([] if self.current is None else [self.current])
        what = "the path of the run" if len(rows) == 1 else f"the paths of {len(rows)} runs"
        return Copied(what, "\n".join(str(row.run.path.absolute()) for row in rows)) if rows else None

    @property
    def current(self) -> RunRow | None:
        """The run under the cursor."""
        return self._shown[self._cursor] if self._shown else None

    @property
    def marked_rows(self) -> list[RunRow]:
        """The marked runs, in the order in which they were marked."""
        by_name = {row.run.name: row for row in self.rows}
        return [by_name[name] for name in self.marked if name in by_name]

    def _differs(self, row: RunRow) -> str:
        return self._differences.get(row.run.name, "")

    def described(self, row: RunRow) -> Text:
        """Describes a run: its name, tags, fault and note, and how it differs from its preset."""
        text = Text(row.run.name, self.style_of("text"))
        if row.tags:
            text.append(f"  {tags_of(row)}", self.style_of("accent"))
        if row.reason:
            text.append(f"  {row.reason}", self.style_of("error"))
        if row.note:
            text.append(f"  {row.note}", self.style_of("text"))
        return text.append(f"  {self._differs(row)}", self.style_of("dim"))

    def mark(self) -> None:
        """Marks the run under the cursor, or removes its mark."""
        if self.current is None:
            return
        name = self.current.run.name
        if name in self.marked:
            self.marked.remove(name)
        else:
            self.marked.append(name)
        self.redraw()

    def rename(self, name: str, now: str) -> None:
        """Keeps the mark of a run that was renamed."""
        self.marked = [now if marked == name else marked for marked in self.marked]

    def _arrange(self) -> None:
        """Filters and sorts again; the cursor stays on its run, or at its line if that run is gone."""
        before = self.current
        found = [row for row in self.rows if not self._words or self._is_found(row)]
        assert self._sorted_by.sort_key is not None
        self._shown = arranged(found, self._sorted_by.sort_key, descending=self._descending)
        names = [row.run.name for row in self._shown]
        if before is not None and before.run.name in names:
            self._cursor = names.index(before.run.name)
        self._cursor = min(self._cursor, max(len(names) - 1, 0))
        self.redraw()
        if self.current != before:
            self.post_message(self.Moved())

    def _is_found(self, row: RunRow) -> bool:
        said = (row.run.name, state_of(row), row.preset_name, row.reason, self._differs(row), tags_of(row), row.note)
        text = " ".join(said).lower()
        return all(word in text for word in self._words)

    # The cursor.

    @property
    def _room(self) -> int:
        """How many runs are in view at once."""
        return max(self.size.height - 2 - HEAD_LINES, 1)

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        self._cursor = min(max(self._cursor + rows, 0), max(len(self._shown) - 1, 0))
        self.redraw()
        self.post_message(self.Moved())

    def action_page(self, pages: int) -> None:
        """Moves the cursor by a page."""
        self.action_move(pages * max(self._room - 1, 1))

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.action_move(SCROLL_LINES)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.action_move(-SCROLL_LINES)

    def on_click(self, event: events.Click) -> None:
        """A click selects a run, a second one opens it; a click on a title sorts by that column."""
        line = event.y - 1 - HEAD_LINES
        if line == -1:
            self._click_title(event.x - 2)
        elif 0 <= line < self._room and self._offset + line < len(self._shown):
            rows = self._offset + line - self._cursor
            if rows:
                self.action_move(rows)
            else:
                self.post_message(self.Chosen())

    def _click_title(self, x: int) -> None:
        left = 0
        for column, width in self._columns(self.size.width - 4):
            if left <= x < left + width and column.sort_key is not None:
                if column is self._sorted_by:
                    self.reverse()
                else:
                    self._sort_by(column)
            left += width + GAP

    # Drawing.

    def heading(self) -> Text:
        running = sum(row.status == "running" for row in self.rows)
        parts = [f"{count(len(self.rows))} in {short_path(self._folder) or '.'}"] if self.rows else []
        parts += [f"{running} running"] if running else []
        separator = " - " if self.glyphs.ascii else " · "
        heading = Text("runs", self.style_of("text"))
        return heading.append(f"  {separator.join(parts)}", self.style_of("dim")) if parts else heading

    def footing(self) -> Text:
        parts = []
        if self._words:
            parts.append(f"{count(len(self._shown))} with {' '.join(self._words)}")
        above, below = self._offset, max(len(self._shown) - self._offset - self._room, 0)
        parts += [f"{count(above)} above"] if above else []
        parts += [f"{count(below)} below"] if below else []
        return Text(", ".join(parts), self.style_of("dim"))

    def lines(self, width: int, height: int) -> list[Text]:
        self._offset = min(max(self._offset, self._cursor - self._room + 1), self._cursor)
        self._offset = max(min(self._offset, len(self._shown) - self._room), 0)
        return super().lines(width, height)

    def content(self, width: int, height: int) -> list[Text]:
        if self._rows is None:
            return self.placeholder(self._problem or "reading the runs ...", width)
        if not self._rows:
            text = (
                f"No runs yet in {short_path(self._folder) or '.'}. Press esc to go back, then space to start one: "
                "all that you train is kept here, to be compared, resumed, or used as a start for the next."
            )
            return self.placeholder(text, min(width, 76))
        if not self._shown:
            return self.placeholder(f"No run has {' '.join(self._words)}. esc shows all of them.", width)
        painter = RunPainter(self._columns(width), self)
        in_view = range(self._offset, min(self._offset + height - HEAD_LINES, len(self._shown)))
        titles = painter.titles(self._sorted_by, descending=self._descending)
        return [titles, *(self._line(number, painter, width) for number in in_view)]

    def _columns(self, width: int) -> list[tuple[Column, int]]:
        marks = [self._marks.of(name).letter for name in self.marked]
        return fitting(width, self._shown, max(map(len, marks), default=1))

    def _line(self, number: int, painter: RunPainter, width: int) -> Text:
        row = self._shown[number]
        name = row.run.name
        mark = self._marks.of(name) if name in self.marked else None
        line = painter.line(row, mark=mark, differs=self._differs(row))
        if number == self._cursor:
            line.pad_right(width - line.cell_len)
            line.stylize(self.style_of("cursor"))
        return line
