"""All runs in a table: sort, filter, compare, lay under the current one, open, take settings, resume, delete."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Input

from workbench.display import LABELS
from workbench.files import short_path
from workbench.runs.catalogue import Catalogue, RunRow
from workbench.runs.directory import RunDirectory
from workbench.runs.status import is_running
from workbench.ui.actions import Action, bindings, help_sections
from workbench.ui.panels.charts import OVERLAY_LETTERS
from workbench.ui.panels.lines import HintLine, KeysLine
from workbench.units import duration

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.ui.app import WorkbenchApp

REFRESH_SECONDS = 2.0
RESUMABLE = ("stopped", "failed", "lost")
GROUP = "All runs"

ACTIONS: tuple[Action, ...] = (
    Action("open", ("enter",), "open", "watch the run, or look at it as it ended", GROUP, 90),
    Action("mark", ("space",), "mark", "mark it (up to four) to lay under the current one, or to compare", GROUP, 85),
    Action("overlay", ("o",), "lay under", "lay the marked runs under the current one", GROUP, 80),
    Action("compare", ("v",), "compare", "the settings and results in which the marked runs differ", GROUP, 75),
    Action("take", ("t",), "take settings", "take its settings for the next run", GROUP, 60),
    Action("resume", ("R",), "resume", "go on with a stopped, failed or lost run", GROUP, 50),
    Action("sort", ("s",), "sort", "sort by the next column", GROUP, 40),
    Action("reverse", ("S",), "", "sort the other way round", GROUP),
    Action("filter", ("slash",), "filter", "show only the runs that have these words", GROUP, 45),
    Action("delete", ("delete", "D"), "delete", "delete the run's directory, after asking", GROUP, 30),
    Action("keys", ("question_mark",), "keys", "these keys", GROUP, 70),
    Action("leave", ("escape", "q", "r"), "back", "back to the main screen", GROUP, 95),
)


@dataclass(frozen=True)
class RunsResult:
    """What the user wants of the main screen."""

    action: Literal["open", "take", "resume", "overlay"]
    run: RunDirectory | None = None
    overlays: tuple[RunDirectory, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of the table; those of higher rank stay where the screen is narrow."""

    title: str
    width: int
    rank: int
    sort_key: Callable[[RunRow], Any]


COLUMNS: tuple[Column, ...] = (
    Column("", 1, 9, lambda row: 0),
    Column("state", 11, 9, lambda row: row.status),
    Column("preset", 16, 9, lambda row: row.preset_name),
    Column("differs", 26, 5, lambda row: ""),
    Column("best", 17, 8, lambda row: -1.0 if row.best is None else row.best),
    Column("test", 9, 6, lambda row: _test(row)),
    Column("epochs", 9, 4, lambda row: row.epoch),
    Column("time", 9, 3, lambda row: row.seconds or 0.0),
    Column("started", 16, 7, lambda row: row.run.name),
)
SORTABLE = [number for number, column in enumerate(COLUMNS) if column.title not in ("", "differs")]


class RunsScreen(Screen[RunsResult | None]):
    """Dismisses with what is wanted of the main screen, or None."""

    app: WorkbenchApp
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ACTIONS)]
    AUTO_FOCUS = "DataTable"
    DEFAULT_CSS = """
    RunsScreen DataTable {
        height: 1fr;
        border: round $line;
        background: $background;
        scrollbar-size-vertical: 1;
    }
    RunsScreen DataTable:focus { border: round $accent; }
    RunsScreen DataTable > .datatable--header { background: $background; color: $dim; text-style: none; }
    RunsScreen DataTable > .datatable--cursor, RunsScreen DataTable:focus > .datatable--cursor {
        background: $cursor-line;
        color: $foreground;
        text-style: bold;
    }
    RunsScreen DataTable > .datatable--hover { background: $background; }
    RunsScreen:ansi DataTable > .datatable--cursor { text-style: reverse; }
    RunsScreen Input { border: none; height: 1; padding: 0 1; background: $panel; display: none; }
    RunsScreen Input.-open { display: block; }
    """

    def __init__(self, runs_folder: Path, differs: Callable[[RunRow], str]) -> None:
        """differs: what a run has that the preset of its name has not, in a line."""
        super().__init__()
        self._folder = runs_folder
        self._catalogue = Catalogue(runs_folder)
        self._differs = differs
        self._told: dict[str, str] = {}
        self._rows: list[RunRow] = []
        self._shown: list[RunRow] = []
        self._marked: list[str] = []
        self._sorted_by, self._reversed = len(COLUMNS) - 1, True
        self._columns: list[int] = []
        self._is_reading = False

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row", zebra_stripes=False)
        yield Input(placeholder="words that a run must have", id="filter")
        yield HintLine(id="hint")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.border_title = f"runs in {short_path(self._folder.absolute())}".replace("[", "\\[")
        self.query_one(KeysLine).show([(item.shown_key, item.label, item.rank) for item in ACTIONS if item.rank])
        self._read()
        self.set_interval(REFRESH_SECONDS, self._read)

    @work(thread=True, exclusive=True, group="catalogue", exit_on_error=False)
    def _read(self) -> None:
        if self._is_reading:
            return
        self._is_reading = True
        try:
            rows = self._catalogue.rows()
            for row in rows:
                if row.run.name not in self._told:
                    self._told[row.run.name] = self._differs(row)
        finally:
            self._is_reading = False
        self.app.call_from_thread(self._take, rows)

    def _take(self, rows: list[RunRow]) -> None:
        if rows != self._rows or not self._columns:
            self._rows = rows
            self._fill()

    def on_resize(self) -> None:
        self._fill()

    def _fill(self) -> None:
        """The table anew; the cursor stays on its run."""
        table = self.query_one(DataTable)
        before = self.current
        self._columns = self._fitting(self.size.width - 4)
        words = self.query_one(Input).value.lower().split()
        self._shown = [row for row in self._rows if all(word in self._searchable(row) for word in words)]
        self._shown.sort(key=COLUMNS[self._sorted_by].sort_key, reverse=self._reversed)
        table.clear(columns=True)
        for number in self._columns:
            column = COLUMNS[number]
            arrow = ("v" if self._reversed else "^") if number == self._sorted_by else ""
            width = self._width(number)
            table.add_column(Text(f"{column.title} {arrow}".rstrip()), width=width)
        for row in self._shown:
            table.add_row(*(self._cell(number, row) for number in self._columns), key=row.run.name)
        names = [row.run.name for row in self._shown]
        if before is not None and before.run.name in names:
            table.move_cursor(row=names.index(before.run.name))
        self._hint()

    def _fitting(self, width: int) -> list[int]:
        kept = list(range(len(COLUMNS)))
        while len(kept) > 3 and sum(COLUMNS[number].width + 2 for number in kept) > width:
            kept.remove(min(kept, key=lambda number: COLUMNS[number].rank))
        self._spare = max(width - sum(COLUMNS[number].width + 2 for number in kept), 0)
        return kept

    def _width(self, number: int) -> int:
        return COLUMNS[number].width + (self._spare if COLUMNS[number].title == "differs" else 0)

    def _searchable(self, row: RunRow) -> str:
        return f"{row.run.name} {row.status} {row.preset_name} {self._told.get(row.run.name, '')}".lower()

    def _cell(self, number: int, row: RunRow) -> Text:
        title = COLUMNS[number].title
        if not title:
            letter = OVERLAY_LETTERS[self._marked.index(row.run.name)] if row.run.name in self._marked else ""
            return Text(letter, "bold")
        text = {
            "state": f"{self.app.glyphs.dot} {row.status}",
            "preset": row.preset_name or row.run.name,
            "differs": row.reason if not row.preset_name else self._told.get(row.run.name, "") or "-",
            "best": _best(row),
            "test": f"{100 * value:.2f} %" if (value := _test(row)) >= 0 else "-",
            "epochs": f"{row.epoch}/{row.epochs}",
            "time": "-" if row.seconds is None else duration(row.seconds),
            "started": f"{row.started.astimezone():%Y-%m-%d %H:%M}" if row.started else "-",
        }[title]
        return self._cut(text, self._width(number), _state_style(row) if title == "state" else "")

    def _cut(self, text: str, width: int, style: str) -> Text:
        return Text(text if len(text) <= width else f"{text[: width - 1]}{self.app.glyphs.ellipsis}", style)

    @property
    def current(self) -> RunRow | None:
        """The run at the cursor."""
        row = self.query_one(DataTable).cursor_row
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _hint(self, text: str = "", kind: str = "dim") -> None:
        hint = self.query_one(HintLine)
        if not text:
            row = self.current
            if not self._rows:
                text = "no runs yet: esc, then space starts one"
            elif row is not None:
                text = f"{row.run.name}  {self._told.get(row.run.name, '')}"
            else:
                text = "no run has these words"
        hint.show(Text(text, hint.style_of(kind)))

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._hint()

    @on(DataTable.RowSelected)
    def _selected(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Watches the run at the cursor, or looks at it as it ended."""
        if self.current is not None:
            self.dismiss(RunsResult("open", self.current.run))

    def action_mark(self) -> None:
        """Marks the run at the cursor, or no longer."""
        row = self.current
        if row is None:
            return
        if row.run.name in self._marked:
            self._marked.remove(row.run.name)
        elif len(self._marked) == len(OVERLAY_LETTERS):
            self._hint("four runs are marked already", "warning")
            return
        else:
            self._marked.append(row.run.name)
        self._fill()

    def _marked_rows(self) -> list[RunRow]:
        by_name = {row.run.name: row for row in self._rows}
        return [by_name[name] for name in self._marked if name in by_name]

    def action_overlay(self) -> None:
        """Lays the marked runs under the current one; none marked: takes away those that are there."""
        self.dismiss(RunsResult("overlay", overlays=tuple(row.run for row in self._marked_rows())))

    def action_compare(self) -> None:
        """The settings and results in which the marked runs differ."""
        from workbench.ui.screens.compare import CompareDialog

        rows = self._marked_rows()
        if len(rows) < 2:
            self._hint("mark two runs or more with space", "warning")
            return
        self.app.push_screen(CompareDialog(rows))

    def action_take(self) -> None:
        """Takes its settings for the next run."""
        if self.current is not None:
            self.dismiss(RunsResult("take", self.current.run))

    def action_resume(self) -> None:
        """Goes on with it."""
        row = self.current
        if row is not None and row.status in RESUMABLE:
            self.dismiss(RunsResult("resume", row.run))
        elif row is not None:
            self._hint(f"this run is {row.status}: there is nothing to go on with", "warning")

    def action_sort(self) -> None:
        """By the next column."""
        at = SORTABLE.index(self._sorted_by)
        self._sorted_by = SORTABLE[(at + 1) % len(SORTABLE)]
        self._fill()

    def action_reverse(self) -> None:
        """The other way round."""
        self._reversed = not self._reversed
        self._fill()

    def action_filter(self) -> None:
        """Opens the field of words."""
        field = self.query_one(Input)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed)
    def _filtered(self) -> None:
        self._fill()

    @on(Input.Submitted)
    def _filter_done(self) -> None:
        self.query_one(DataTable).focus()

    def action_leave(self) -> None:
        """Closes the filter; without one, back to the main screen."""
        field = self.query_one(Input)
        if field.has_class("-open"):
            field.value = ""
            field.remove_class("-open")
            self.query_one(DataTable).focus()
            return
        self.dismiss(None)

    def action_keys(self) -> None:
        """The keys of this screen."""
        from workbench.ui.screens.help import HelpDialog

        self.app.push_screen(HelpDialog(help_sections(ACTIONS)[:1]))

    @work(exclusive=True, group="delete")
    async def action_delete(self) -> None:
        """Deletes the run's directory, after asking; never that of a run in progress."""
        from workbench.ui.screens.question import QuestionDialog

        row = self.current
        if row is None:
            return
        if is_running(row.run):
            self._hint("this run is going: stop it first", "warning")
            return
        text = f"{short_path(row.run.path)} with its curves, checkpoints and log."
        choices = (("y", "delete it for good"), ("n", "keep it"))
        if await self.app.push_screen_wait(QuestionDialog("delete this run?", text, choices, "n")) != "y":
            return
        try:
            shutil.rmtree(row.run.path)
        except OSError as error:
            self._hint(f"cannot delete {row.run.path}: {error.strerror}", "error")
        if row.run.name in self._marked:
            self._marked.remove(row.run.name)
        self._read()


def _best(row: RunRow) -> str:
    if row.best is None:
        return "-"
    name = LABELS.get(row.monitor, row.monitor.removesuffix("_macro"))
    value = f"{100 * row.best:.2f} %" if row.monitor in ("accuracy", "f1_macro") else f"{row.best:.4g}"
    return f"{name} {value}"


def _test(row: RunRow) -> float:
    value = (row.test or {}).get("accuracy")
    return float(value) if isinstance(value, (int, float)) else -1.0


def _state_style(row: RunRow) -> str:
    return {"running": "green", "completed": "green", "failed": "red", "lost": "red"}.get(row.status, "yellow")
