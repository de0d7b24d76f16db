"""The command that trains the same without the app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.keys.copying import Copied

HOW = "copied through the terminal (OSC 52); tmux needs: set -s set-clipboard on"


class CommandDialog(Dialog[bool]):
    """Copies the command, and shows it."""

    title_text = "this trains the same without the app"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "app.copy", "copy", show=True),
        Binding("escape,enter,Y,q", "cancel", "close", show=True),
    ]

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def body(self) -> Iterable[Widget]:
        yield plain(self._command, id="command")
        yield plain("")
        yield plain(HOW, classes="dim")

    def on_mount(self) -> None:
        super().on_mount()
        self.app.copy_to_clipboard(self._command)

    def copyable(self) -> Copied:
        return Copied("the command", self._command)
