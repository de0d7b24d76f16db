"""What to export runs to, and where; then what the export is doing, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.errors import WorkbenchError
from workbench.export_kinds import KINDS, ExportKind
from workbench.files import exists, expanded, short_path
from workbench.runs.row import RunRow
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.live.exporting import Export, why_not
from workbench.ui.look.styled_app import StyledApp

Start = Callable[[ExportKind, Path, bool], Awaitable[Export | None]]
"""Starts an export to a path; the last argument is whether it replaces what is there. Raises WorkbenchError."""
REFRESH_SECONDS = 0.2
NAME_CELLS = 14


class ExportDialog(Dialog[bool]):
    """A list of kinds and a path. An export in progress continues when it is left."""

    app: StyledApp
    title_text = "export"
    DEFAULT_CSS = """
    ExportDialog > #box { width: 96; }
    ExportDialog #kinds { margin-top: 1; }
    ExportDialog #where { margin-top: 1; }
    ExportDialog #saying { height: auto; max-height: 6; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("enter", "export", "export", show=True),
        Binding("tab", "app.focus_next", "path", show=True),
    ]

    def __init__(self, rows: Sequence[RunRow], start: Start, title: str = "") -> None:
        super().__init__()
        self.title_text = title or self.title_text
        self._rows = list(rows)
        self._start = start
        self._export: Export | None = None
        self._has_started = False
        """Whether any export was started here."""
        self._confirmed: Path | None = None
        """What the user has been asked about replacing."""
        self._typed = ""
        """The path that was proposed last: another one in the field is the user's own."""

    # What is shown.

    def body(self) -> Iterable[Widget]:
        names = ", ".join(row.run.name for row in self._rows)
        count = f"{len(self._rows)} runs: " if len(self._rows) > 1 else ""
        yield plain(f"{count}{names}", classes="dim", id="about")
        yield Input(placeholder="type to narrow the list", id="filter")
        yield OptionList(id="kinds")
        yield plain("to the file or folder", classes="dim", id="where")
        yield Input(id="path")
        yield VerticalScroll(plain("", id="said"), id="saying", can_focus=False)

    def _option(self, kind: ExportKind) -> Option:
        reason = why_not(kind, self._rows)
        text = Text.assemble((f"{kind.name:<{NAME_CELLS}}", "" if reason else "bold"), reason or kind.meaning)
        return Option(text, id=kind.name, disabled=bool(reason))

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).can_focus = False
        self._narrow()
        self.query_one("#filter").focus()
        self.set_interval(REFRESH_SECONDS, self._show_progress)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is exported while the dialog's own export is in progress."""
        return not self._is_busy if action == "export" else super().check_action(action, parameters)

    def shown_keys(self) -> list[tuple[str, str]]:
        """Once an export was started, there is nothing to cancel any more: it continues when the dialog is left."""
        keys = super().shown_keys()
        return [(key, "close" if self._has_started and label == "cancel" else label) for key, label in keys]

    @property
    def _kind(self) -> ExportKind | None:
        """The kind under the cursor."""
        option = self.query_one(OptionList).highlighted_option
        return None if option is None else KINDS[option.id or ""]

    @property
    def _is_busy(self) -> bool:
        return self._export is not None and not self._export.has_ended

    @on(OptionList.OptionHighlighted)
    def _propose(self, message: OptionList.OptionHighlighted) -> None:
        """Proposes a path for the kind, unless the user has written another one."""
        kind = KINDS[message.option.id or ""]
        field = self.query_one("#path", Input)
        if field.value == self._typed:
            self._typed = field.value = kind.file_name(self._rows[0].run.name, len(self._rows))
            field.cursor_position = len(field.value)

    @on(Input.Changed, "#filter")
    def _narrow(self) -> None:
        """Lists the kinds that have all words of the field in their name or meaning, those with them in the name first.

        The first that is possible is under the cursor.
        """
        words = self.query_one("#filter", Input).value.lower().split()
        found = [kind for kind in KINDS.values() if _has(words, f"{kind.name} {kind.meaning}")]
        found.sort(key=lambda kind: not _has(words, kind.name))
        kinds = self.query_one(OptionList)
        kinds.clear_options()
        kinds.add_options(map(self._option, found))
        kinds.highlighted = next((n for n, kind in enumerate(found) if not why_not(kind, self._rows)), None)

    def action_move(self, rows: int) -> None:
        """Moves the cursor of the list to the next kind that is possible."""
        kinds = self.query_one(OptionList)
        if rows > 0:
            kinds.action_cursor_down()
        else:
            kinds.action_cursor_up()

    @on(Input.Changed, "#path")
    def _changed(self) -> None:
        self._confirmed = None

    def _say(self, text: str, kind: str = "") -> None:
        said = self.query_one("#said", Static)
        said.set_classes(kind)
        said.update(Text(text))

    def _show_progress(self) -> None:
        export = self._export
        if export is None:
            return
        if not export.has_ended:
            doing = export.doing or f"exporting to {export.request.to}"
            self._say(f"{doing} {self.app.glyphs.ellipsis} {export.seconds} s\nesc leaves; the export continues", "dim")
            return
        self._export, export.was_shown = None, True
        if export.written is None:
            self._say(f"{self.app.glyphs.wrong} {export.problem}", "error")
        else:
            self._say("\n".join([*export.written.lines, f"wrote {short_path(export.written.path)}"]))
        self.renew_keys()

    # What the user does.

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _chosen(self) -> None:
        self.action_export()

    @work(exclusive=True)
    async def action_export(self) -> None:
        """Exports; what is there is replaced only after a second enter."""
        typed = self.query_one("#path", Input).value.strip()
        kind = self._kind
        if self._is_busy or kind is None:
            return
        if not typed:
            self._say("type a path", "warning")
            return
        path = expanded(typed)
        if kind.suffix and exists(path) and path.is_dir():
            path /= kind.file_name(self._rows[0].run.name, len(self._rows))
        replaces = exists(path)
        if replaces and self._confirmed != path:
            self._confirmed = path
            self._say(f"{short_path(path.absolute())} already exists: enter again replaces it", "warning")
            return
        self._confirmed = None
        try:
            self._export = await self._start(kind, path, replaces)
        except WorkbenchError as error:
            self._say(f"{self.app.glyphs.wrong} {error}", "error")
            return
        self._has_started = self._has_started or self._export is not None
        self._show_progress()
        self.renew_keys()


def _has(words: Iterable[str], text: str) -> bool:
    return all(word in text.lower() for word in words)
