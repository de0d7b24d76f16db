"""The machine: each GPU with its processes and its history; without a GPU the processor, and who keeps it busy."""

from __future__ import annotations

from rich.text import Text

from workbench.runs.history import RunHistory
from workbench.ui.live.machine_history import MachineHistory
from workbench.ui.live.readings import Readings
from workbench.ui.panels.scrolling import ScrollingPanel
from workbench.units import counted, duration

LEAST_SECONDS = 10.0
"""From when on the histories say how far back they go."""


class MachinePanel(ScrollingPanel):
    """A block for each GPU, the run's own marked; below, the host."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._readings: Readings | None = None
        self._past = MachineHistory()
        self._run: RunHistory | None = None

    def show(self, readings: Readings | None, past: MachineHistory, run: RunHistory | None) -> None:
        """Shows the latest readings and those before; run: the watched run, whose card is marked."""
        if readings is not self._readings or run is not self._run:
            self._readings, self._past, self._run = readings, past, run
            self.redraw()

    def heading(self) -> Text:
        text, readings = Text("machine", self.style_of("strong")), self._readings
        if readings is None:
            return text
        driver, cpu = ("", "") if readings.closer is None else (readings.closer.driver, readings.closer.cpu)
        cards = counted(len(readings.gpus), "GPU") if readings.gpus else "no GPU"
        cores = counted(len(readings.core_percents), "core") if readings.core_percents else ""
        parts = [cards, f"driver {driver}" if driver else "", cores, cpu]
        text.append(f"  {', '.join(part for part in parts if part)}", self.style_of("dim"))
        return text

    def footing(self) -> Text:
        """How far back the histories go, behind the numbers of lines out of sight."""
        hidden, seconds = super().footing(), self._past.seconds
        past = Text(f"the last {duration(seconds)}" if seconds >= LEAST_SECONDS else "", self.style_of("dim"))
        return Text(", ").join(part for part in (hidden, past) if part)

    def all_lines(self, width: int) -> list[Text]:
        if self._readings is None:
            return [Text(f"reading {self.glyphs.ellipsis}", self.style_of("dim"))]
        from workbench.ui.panels.machine_page import page_lines  # when it is first seen, not before the first paint

        return page_lines(self._readings, self._past, self._run, width, self.size.height - 2, self)
