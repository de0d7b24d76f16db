"""Placeholder until the settings panel stands."""

from __future__ import annotations

from rich.text import Text
from textual.message import Message

from workbench.ui.panels.panel import Panel


class SettingsPanel(Panel):
    """List of settings."""

    class Changed(Message):
        """Changed."""

    class Hint(Message):
        """Hint."""

        def __init__(self, text: Text) -> None:
            super().__init__()
            self.text = text

    def show(self, draft, running=None) -> None:  # type: ignore[no-untyped-def]
        self._draft = draft
        self.redraw()

    def find(self) -> None:
        """Find."""

    def heading(self) -> Text:
        return Text("settings", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        return [Text(f"{row.label} {row.value}") for row in self._draft.rows()]
