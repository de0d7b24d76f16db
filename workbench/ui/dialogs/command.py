"""The command that trains the same without the app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from workbench.ui.dialogs.dialog import Dialog, plain


class CommandDialog(Dialog[bool]):
    """Shows the command, and copies it through the terminal, which also works over SSH."""

    title_text = "train this without the app"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y,enter", "copy", "copy", show=True)]

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def body(self) -> Iterable[Widget]:
        yield plain(self._command, id="command")
        yield plain("")
        yield plain("", id="said", classes="dim")

    def action_copy(self) -> None:
        """Copies the command (OSC 52)."""
        self.app.copy_to_clipboard(self._command)
        said = "copied, if the terminal lets programs copy (OSC 52; in tmux: set -g set-clipboard on)"
        self.query_one("#said").update(said)  # type: ignore[attr-defined]
