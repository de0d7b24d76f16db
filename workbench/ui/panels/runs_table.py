"""The table of all runs. Only those in view are drawn, so that keys are answered at once with thousands of runs too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from workbench.files import short_path
from workbench.runs.row import RunRow
from workbench.ui.keys.copying import Copied
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.runs_arrangement import NEWEST, Arrangement, Group, Item, RunsRead, RunsView
from workbench.ui.panels.runs_column import GAP, Column, fitting
from workbench.ui.panels.runs_columns import ALWAYS, SETTING, automatic
from workbench.ui.panels.runs_lines import RunPainter
from workbench.ui.panels.runs_marked import MarkedRuns
from workbench.ui.panels.runs_results import BEST
from workbench.ui.panels.runs_shown import tags_of
from workbench.units import count

HEAD_LINES = 1
SCROLL_LINES = 3
STANDSTILL_SECONDS = 0.1
"""How long the same lines are in view before their curves are read."""
Returned = TypeVar("Returned")


class RunsTable(Panel):
    """Runs, a line each: sorted, filtered, grouped; one under the cursor, any number marked with a letter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    class Moved(Message):
        """Another line is under the cursor, or the same one has changed."""

    class Chosen(Message):
        """The line under the cursor was clicked once more."""

    class InView(Message):
        """Runs came into view, whose curves may not have been read yet."""

        def __init__(self, rows: list[RunRow]) -> None:
            super().__init__()
            self.rows = rows

    def __init__(
        self,
        folder: Path,
        marks: RunMarks,
        marked: Sequence[str] = (),
        columns: Sequence[str] = (),
        view: RunsView | None = None,
        *,
        id: str | None = None,
    ) -> None:
        """marked: names of runs. columns: the keys of those that the user chose; none: what differs is shown.

        view: how it was left.
        """
        super().__init__(id=id)
        self._folder = folder
        self.marked = MarkedRuns(marks, marked)
        self._is_read = False
        self._problem = ""
        self._chosen = tuple(columns)
        self._fitted: list[tuple[Column, int]] = []
        self._fitted_in = -1
        """The width for which `_fitted` holds; -1: none."""
        self._cursor = self._offset = 0
        self._asked: dict[str, RunRow] = {}
        """By name, the runs whose curves were asked for; a run in progress changes."""
        self._standstill: Timer | None = None
        self.arranged = Arrangement(self.glyphs, self.marked.parts, view)

    # What is shown.

    def show(self, read: RunsRead) -> None:
        """Shows the runs as they were read; the cursor stays on its run."""
        self._is_read, self._problem = True, ""
        self.marked.keep(read.facts)
        self._rearrange(lambda: self.arranged.take(read))

    def fail(self, problem: str) -> None:
        """Shows why the runs cannot be read; those that were read before stay."""
        self._problem = problem
        self.redraw()

    def show_curves(self, curves: Mapping[str, Sequence[float]]) -> None:
        """Shows curves that were read, by the names of their runs."""
        self.arranged.curves.update(curves)
        self.redraw()

    def filter(self, text: str) -> str:
        """Shows the runs that meet a filter. Returns what is wrong with it; then those shown before stay."""
        return self._rearrange(lambda: self.arranged.filter(text))

    def group(self, by: str) -> None:
        """Groups the runs, see `RunsView.grouped_by`."""
        self._rearrange(lambda: self.arranged.group(by))

    def fold(self) -> None:
        """Folds the group under the cursor, or that of the run under it; unfolds a folded one."""
        item = self.item
        groups = [each for each in self.arranged.items if isinstance(each, Group)]
        group = next((each for each in groups if each is item or item in each.rows), None)
        if group is not None:
            self._rearrange(lambda: self.arranged.fold(group.name), group)

    def fold_all(self) -> None:
        """Folds all groups; unfolds them if all are folded."""
        self._rearrange(self.arranged.fold_all)

    def sort_by_next(self) -> None:
        """Sorts by the next column, in its usual direction: first by the best value of the monitored metric.

        By the start last, as the runs are sorted at first.
        """
        columns = [column for column, _ in self._fitting(self.size.width - 4) if column.sort_key is not None]
        columns.sort(key=lambda column: (column.key == NEWEST) - (column.key == BEST))
        keys = [column.key for column in columns]
        sorted_by = self.arranged.sorted_by.key
        self._sort_by(columns[(keys.index(sorted_by) + 1) % len(keys) if sorted_by in keys else 0])

    def reverse(self) -> None:
        """Sorts the other way round."""
        arranged = self.arranged
        self._rearrange(lambda: arranged.sort(arranged.sorted_by.key, descending=not arranged.view.descending))

    def _sort_by(self, column: Column) -> None:
        self._rearrange(lambda: self.arranged.sort(column.key, descending=column.descending))

    def choose_columns(self, keys: Sequence[str]) -> None:
        """Shows these columns beside those that are always shown; none: what differs, and the results."""
        self._chosen = tuple(keys)
        self._fitted_in = -1
        self.redraw()

    @property
    def shown_columns(self) -> list[str]:
        """The keys of the columns that are wanted, whether they fit or not."""
        return [*ALWAYS, *self._chosen] if self._chosen else automatic(self.arranged.runs)

    def _rearrange(self, change: Callable[[], Returned], kept: Item | None = None) -> Returned:
        """Filters, sorts or groups anew; the cursor stays on its line, or at its place if that is gone.

        kept: the line on which the cursor shall be.
        """
        before = kept or self.item
        returned = change()
        self._fitted_in = -1
        place = _place_of(before, self.arranged.items)
        self._cursor = min(self._cursor if place is None else place, max(len(self.arranged.items) - 1, 0))
        self.redraw()
        if self.item is not before:
            self.post_message(self.Moved())
        return returned

    # Runs.

    @property
    def rows(self) -> Sequence[RunRow]:
        """All runs, shown or not."""
        return self.arranged.read.rows

    def copyable(self) -> Copied | None:
        """The paths of the marked runs; none marked: that of the run under the cursor."""
        rows = self.chosen_rows
        what = "the path of the run" if len(rows) == 1 else f"the paths of {len(rows)} runs"
        return Copied(what, "\n".join(str(row.run.path.absolute()) for row in rows)) if rows else None

    @property
    def item(self) -> Item | None:
        """The line under the cursor."""
        items = self.arranged.items
        return items[self._cursor] if self._cursor < len(items) else None

    @property
    def current(self) -> RunRow | None:
        """The run under the cursor."""
        return self.item if isinstance(self.item, RunRow) else None

    @property
    def marked_rows(self) -> list[RunRow]:
        """The marked runs, in the order in which they were marked."""
        return self.marked.rows(self.arranged.read.facts)

    @property
    def chosen_rows(self) -> list[RunRow]:
        """The marked runs; none marked: the run under the cursor."""
        return self.marked_rows or ([] if self.current is None else [self.current])

    def described(self, row: RunRow) -> Text:
        """Describes a run: its name, tags, fault and note, and how it differs from its preset."""
        text = Text(row.run.name, self.style_of("text"))
        if row.tags:
            text.append(f"  {tags_of(row)}", self.style_of("accent"))
        if row.reason:
            text.append(f"  {row.reason}", self.style_of("error"))
        if row.note:
            text.append(f"  {row.note}", self.style_of("text"))
        return text.append(f"  {self.arranged.runs.changes_in_words(row, with_columns=True)}", self.style_of("dim"))

    def mark(self) -> None:
        """Marks the run under the cursor, or the runs of the group; if they are marked, removes the marks."""
        if (item := self.item) is not None:
            self._mark(item.rows if isinstance(item, Group) else [item])

    def mark_all(self) -> None:
        """Marks all runs that are shown; if all are marked, removes all marks."""
        self._mark(self.arranged.runs.rows)

    def _mark(self, rows: Sequence[RunRow]) -> None:
        self.marked.toggle(rows)
        self._fitted_in = -1
        self.redraw()

    # The cursor.

    @property
    def _room(self) -> int:
        """How many lines are in view at once."""
        return max(self.size.height - 2 - HEAD_LINES, 1)

    def action_move(self, lines: int) -> None:
        """Moves the cursor."""
        self._cursor = min(max(self._cursor + lines, 0), max(len(self.arranged.items) - 1, 0))
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
        """A click selects a line, a second one opens it; a click on a title sorts by that column."""
        line = event.y - 1 - HEAD_LINES
        if line == -1:
            self._click_title(event.x - 2)
        elif 0 <= line < self._room and self._offset + line < len(self.arranged.items):
            lines = self._offset + line - self._cursor
            if lines:
                self.action_move(lines)
            else:
                self.post_message(self.Chosen())

    def _click_title(self, x: int) -> None:
        left = 0
        for column, width in self._fitting(self.size.width - 4):
            if left <= x < left + width and column.sort_key is not None:
                if column.key == self.arranged.sorted_by.key:
                    self.reverse()
                else:
                    self._sort_by(column)
                return
            left += width + GAP

    # Drawing.

    def _fitting(self, width: int) -> list[tuple[Column, int]]:
        """The columns that fit, each with its width in cells."""
        if self._fitted_in != width:
            wanted = set(self.shown_columns)
            columns = [column for column in self.arranged.columns if column.key in wanted]
            self._fitted = fitting([replace(columns[0], least=self.marked.cells), *columns[1:]], width)
            self._fitted_in = width
            shown = [column.key for column, _ in self._fitted]
            self.arranged.runs.in_columns = [key.removeprefix(SETTING) for key in shown if key.startswith(SETTING)]
        return self._fitted

    def heading(self) -> Text:
        running = sum(row.status == "running" for row in self.rows)
        parts = [f"{count(len(self.rows))} in {short_path(self._folder) or '.'}"] if self.rows else []
        parts += [f"{running} running"] if running else []
        parts += [f"{count(len(self.marked))} marked"] if self.marked else []
        parts += [f"by {self.arranged.grouped_by_in_words}"] if self.arranged.view.grouped_by else []
        separator = " - " if self.glyphs.ascii else " · "
        heading = Text("runs", self.style_of("text"))
        return heading.append(f"  {separator.join(parts)}", self.style_of("dim")) if parts else heading

    def footing(self) -> Text:
        arranged, parts = self.arranged, []
        if arranged.view.filter_text:
            parts.append(f"{count(len(arranged.runs.rows))} with {arranged.view.filter_text}")
        above, below = self._offset, max(len(arranged.items) - self._offset - self._room, 0)
        parts += [f"{count(above)} above"] if above else []
        parts += [f"{count(below)} below"] if below else []
        return Text(", ".join(parts), self.style_of("dim"))

    def lines(self, width: int, height: int) -> list[Text]:
        self._offset = min(max(self._offset, self._cursor - self._room + 1), self._cursor)
        self._offset = max(min(self._offset, len(self.arranged.items) - self._room), 0)
        return super().lines(width, height)

    def content(self, width: int, height: int) -> list[Text]:
        arranged = self.arranged
        if not self._is_read:
            return self.placeholder(self._problem or "reading the runs ...", width)
        if not self.rows:
            text = (
                f"No runs yet in {short_path(self._folder) or '.'}. Press esc to go back, then space to start one: "
                "all that you train is kept here, to be compared, resumed, or used as a start for the next."
            )
            return self.placeholder(text, min(width, 76))
        if not arranged.items:
            return self.placeholder(f"No run has {arranged.view.filter_text}. esc shows all of them.", width)
        painter = RunPainter(self._fitting(width), self)
        in_view = range(self._offset, min(self._offset + height - HEAD_LINES, len(arranged.items)))
        self._look_at(arranged.items[in_view.start : in_view.stop])
        titles = painter.titles(arranged.sorted_by, descending=arranged.view.descending)
        return [titles, *(self._line(place, painter, width) for place in in_view)]

    def _line(self, place: int, painter: RunPainter, width: int) -> Text:
        item = self.arranged.items[place]
        line = painter.group(item) if isinstance(item, Group) else painter.run(item)
        if place == self._cursor:
            line.pad_right(width - line.cell_len)
            line.stylize(self.style_of("cursor"))
        return line

    def _look_at(self, items: Sequence[Item]) -> None:
        """Asks for the curves of runs that came into view, once the table stands still."""
        if not any(column.key == "curve" for column, _ in self._fitted):
            return
        rows = [item for item in items if isinstance(item, RunRow) and item.best is not None]
        wanted = [row for row in rows if self._asked.get(row.run.name) is not row]
        if self._standstill is not None:
            self._standstill.stop()
            self._standstill = None
        if wanted:
            self._standstill = self.set_timer(STANDSTILL_SECONDS, lambda: self._ask_for_curves(wanted))

    def _ask_for_curves(self, rows: list[RunRow]) -> None:
        self._standstill = None
        self._asked |= {row.run.name: row for row in rows}
        self.post_message(self.InView(rows))


def _place_of(item: Item | None, items: Sequence[Item]) -> int | None:
    """Where a line is now: the same run, or the group of the same name."""
    if isinstance(item, Group):
        return next((at for at, each in enumerate(items) if isinstance(each, Group) and each.name == item.name), None)
    if item is None:
        return None
    for place, each in enumerate(items):
        if each is item:
            return place
    name = item.run.name
    return next((at for at, each in enumerate(items) if isinstance(each, RunRow) and each.run.name == name), None)
