"""The look of the data of the settings: a few samples, and the balance of the classes."""

from __future__ import annotations

from rich.text import Text

from workbench.ui.panels.panel import Panel


class DataPreviewPanel(Panel):
    """The look of the data of the settings: a few samples, and the balance of the classes."""

    def heading(self) -> Text:
        return Text("data", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        return self.placeholder("a few samples appear here", width)
