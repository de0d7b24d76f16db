"""The filter of the list of runs: its field, what is wrong with what it holds, and the saved filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Input

from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.lines import HintLine, keys_text
from workbench.ui.screens.runs_changes import RunChanges
from workbench.units import counted

FILTER_HELP = "words, acc > 0.97, lr < 0.01, optimizer:adam, tag:night, status:failed, and, or, not, ( )"


class FilterField(Input):
    """The field of the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "screen.save_filter", "save", show=False),
        Binding("down", "screen.saved_filters", "saved filters", show=False),
    ]

    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """The keys that leave the field."""
        return (("enter", "to the runs"), ("esc", "all runs"))


class RunFiltering(RunChanges):
    """The part of the list of runs that filters it."""

    DEFAULT_CSS = """
    RunFiltering #filtering { height: auto; display: none; }
    RunFiltering #filtering.-open { display: block; }
    RunFiltering Input { border: none; height: 1; padding: 0 1; background: $panel; }
    RunFiltering Input:focus { border: none; background: $cursor-line; }
    """

    def __init__(self, remembered: Remembered) -> None:
        """remembered: has the saved filters."""
        super().__init__()
        self._remembered = remembered

    def _show_keys(self) -> None:
        """Shows the keys that apply now."""
        raise NotImplementedError

    def _filter_widgets(self) -> Iterable[Widget]:
        with Vertical(id="filtering"):
            yield FilterField(placeholder="filter", id="filter")
            yield HintLine(id="filter-hint")

    def action_filter(self) -> None:
        """Opens the filter."""
        self._open_filter(self.table.arranged.view.filter_text)
        self.query_one(FilterField).focus()

    def _open_filter(self, text: str) -> None:
        self.query_one("#filtering").add_class("-open")
        self.query_one(FilterField).value = text
        self._show_filter_hint("")

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_keys()

    @on(Input.Changed)
    def _filtered(self, message: Input.Changed) -> None:
        if self.table.rows:
            self._show_filter_hint(self.table.filter(message.value))
            self._show_keys()
        else:  # it holds once they are read
            self.table.arranged.view.filter_text = message.value

    def _show_filter_hint(self, problem: str) -> None:
        """Shows what is wrong with the filter; nothing wrong: what can be written, or which filters are saved."""
        hint = self.query_one("#filter-hint", HintLine)
        if problem:
            hint.show(Text(problem, hint.style_of("warning")))
        else:
            saved = len(self._remembered.run_filters)
            keys = [("^s", "save"), *([("down", f"{counted(saved, 'saved filter')}")] if saved else [])]
            hint.show(Text(FILTER_HELP, hint.style_of("dim")), keys_text(keys, hint))

    @on(Input.Submitted)
    def _filter_done(self) -> None:
        self.table.focus()

    @work(exclusive=True, group="filters")
    async def action_save_filter(self) -> None:
        """Saves the filter under a name."""
        from workbench.ui.dialogs.line import LineDialog

        text = self.table.arranged.view.filter_text
        if not text or self.query_one(FilterField).value != text:
            self._hint("there is no filter to save: / opens it", "warning")
            return
        saved = {filter: name for name, filter in self._remembered.run_filters.items()}
        dialog = LineDialog(
            "save the filter", text, saved.get(text, ""), lambda name: "" if name else "a name is needed"
        )
        if (name := await self.app.push_screen_wait(dialog)) is not None:
            self._remembered.remember_run_filter(name, text)
            self._show_filter_hint("")

    @work(exclusive=True, group="filters")
    async def action_saved_filters(self) -> None:
        """Takes one of the saved filters."""
        from workbench.ui.dialogs.filters import FiltersDialog

        filters = self._remembered.run_filters
        if not filters:
            self._hint("no filter is saved yet: ^s saves this one", "warning")
            return
        dialog = FiltersDialog(filters, lambda name: self._remembered.remember_run_filter(name, ""))
        if (name := await self.app.push_screen_wait(dialog)) is not None:
            self._open_filter(filters[name])
        else:
            self._show_filter_hint("")
