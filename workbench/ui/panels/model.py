"""The layers of the model of the settings, with their shapes and parameters."""

from __future__ import annotations

from rich.text import Text

from workbench.ui.panels.panel import Panel


class ModelPanel(Panel):
    """The layers of the model of the settings, with their shapes and parameters."""

    def heading(self) -> Text:
        return Text("model", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        return self.placeholder("the layers of the model appear here", width)
