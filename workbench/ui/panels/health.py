"""The health of each layer over time: gradients, weights and activations as shades."""

from __future__ import annotations

from rich.text import Text

from workbench.ui.panels.panel import Panel


class HealthPanel(Panel):
    """The health of each layer over time: gradients, weights and activations as shades."""

    def heading(self) -> Text:
        return Text("health", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        return self.placeholder("gradients and activations of each layer appear here once training is under way", width)
