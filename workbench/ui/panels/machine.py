"""The machine: each GPU, or the processor; what runs on it, and its history."""

from __future__ import annotations

from rich.text import Text

from workbench.ui.panels.panel import Panel


class MachinePanel(Panel):
    """The machine: each GPU, or the processor; what runs on it, and its history."""

    def heading(self) -> Text:
        return Text("machine", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        return self.placeholder("the GPUs, or the processor, appear here", width)
