"""A line of text to edit, which is checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from workbench.ui.dialogs.dialog import Dialog, plain


class LineDialog(Dialog[str]):
    """Dismisses with the line, without blanks around it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "save", show=True)]

    def __init__(self, title: str, about: str, line: str, problem_of: Callable[[str], str]) -> None:
        """about: what to write; line: the text at first; problem_of: what is wrong with a text, empty if nothing is."""
        super().__init__()
        self.title_text = title
        self._about = about
        self._line = line
        self._problem_of = problem_of

    def body(self) -> Iterable[Widget]:
        yield plain(self._about, classes="dim")
        yield Input(self._line, id="line")
        yield plain("", id="problem", classes="error")

    @property
    def _typed(self) -> str:
        return self.query_one(Input).value.strip()

    @on(Input.Changed)
    def _check(self) -> None:
        self.query_one("#problem", Static).update(self._problem_of(self._typed))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Dismisses with the line, if nothing is wrong with it."""
        if not self._problem_of(self._typed):
            self.dismiss(self._typed)
