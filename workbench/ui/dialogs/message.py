"""A text to be read: an error, or anything longer than a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from workbench.ui.dialogs.dialog import Dialog, plain


class MessageDialog(Dialog[bool]):
    """Shows a text until a key is pressed."""

    DEFAULT_CSS = "MessageDialog VerticalScroll { height: auto; max-height: 18; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "cancel", "close", show=True)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.title_text = title
        self._text = text

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(plain(self._text))
