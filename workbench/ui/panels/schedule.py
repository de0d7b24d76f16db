"""The learning rate over the epochs, as the settings plan it."""

from __future__ import annotations

from rich.text import Text

from workbench.ui.panels.panel import Panel


class SchedulePanel(Panel):
    """The learning rate over the epochs, as the settings plan it."""

    def heading(self) -> Text:
        return Text("learning-rate schedule", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        return self.placeholder("the learning rate over the epochs appears here", width)
