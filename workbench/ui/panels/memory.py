"""Memory and vitals of every GPU; without one, of the host."""

from __future__ import annotations

from rich.text import Text

from workbench.devices.gpu import GpuReading
from workbench.runs.events import Memory
from workbench.runs.history import RunHistory
from workbench.ui.panels.bars import flow, sparkline, thin_bar
from workbench.ui.panels.panel import Panel
from workbench.ui.readings import Readings
from workbench.units import size

GIB = 2**30
BAR_CELLS = (4, 24)
TIGHT_SHARE = 0.9
"""From this share of its memory on, a card is shown as nearly full."""


class MemoryPanel(Panel):
    """A bar a card, or the host's; below, what torch holds."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None
        self._readings: Readings | None = None

    def show(self, history: RunHistory | None, readings: Readings | None) -> None:
        """Shows the machine now, and what a run takes of it."""
        self._history, self._readings = history, readings
        self.redraw()

    def heading(self) -> Text:
        return Text("memory", self.style_of("strong"))

    def footing(self) -> Text:
        if self._readings is None or self._readings.gpus:
            return Text()
        return Text("no GPU: training on the CPU", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        if self._readings is None:
            return [Text("reading ...", self.style_of("dim"))]
        lines = self._gpu_lines(self._readings, width, height) or [self._host_line(self._readings, width)]
        memory = None if self._history is None else self._history.view.memory
        facts = flow(self._facts(memory), width)
        if len(lines) + len(facts) + 2 <= height and facts:
            lines.append(Text())
        lines += facts[: max(height - len(lines), 0)]
        if len(lines) < height and (spark := self._spark(width)):
            lines.append(Text(spark, self.style_of("train")))
        return lines

    def _gpu_lines(self, readings: Readings, width: int, height: int) -> list[Text]:
        gpus = self._own_first(readings.gpus)
        columns = 2 if len(gpus) > height - 3 and width >= 96 else 1
        each = (width - 2 * (columns - 1)) // columns
        room = max(height - 2, 1) * columns
        shown = gpus if len(gpus) <= room else gpus[: max(room - columns, 1)]
        cells = [self._gpu_line(gpu, each) for gpu in shown]
        lines = []
        for start in range(0, len(cells), columns):
            row = cells[start : start + columns]
            for cell in row:
                cell.truncate(each, pad=True)
            lines.append(Text("  ").join(row))
        if len(shown) < len(gpus):
            lines.append(Text(f"+{len(gpus) - len(shown)} more GPUs: m shows them all", self.style_of("dim")))
        return lines

    def _own_first(self, gpus: tuple[GpuReading, ...]) -> list[GpuReading]:
        prepared = None if self._history is None else self._history.view.prepared
        own = prepared.device.removeprefix("cuda:") if prepared is not None else ""
        return sorted(gpus, key=lambda gpu: (str(gpu.index) != own, gpu.index))

    def _gpu_line(self, gpu: GpuReading, width: int) -> Text:
        """Index, bar, used and total, utilisation, power, temperature; the last ones give way first."""
        dim, text = self.style_of("dim"), self.style_of("text")
        line = Text.assemble((f"GPU {gpu.index} ", text))
        amounts, share = "", None
        if gpu.used_bytes is not None and gpu.total_bytes:
            share = gpu.used_bytes / gpu.total_bytes
            amounts = f"{gpu.used_bytes / GIB:.1f}/{gpu.total_bytes / GIB:.0f} GiB"
        vitals = []
        if gpu.utilization_percent is not None:
            vitals.append(f"{gpu.utilization_percent:>3} %")
        if gpu.power_watts is not None:
            vitals.append(f"{gpu.power_watts:>3.0f} W")
        if gpu.temperature_celsius is not None:
            vitals.append(f"{gpu.temperature_celsius} {self.glyphs.degree}C")
        least, most = BAR_CELLS
        while vitals and line.cell_len + least + len(amounts) + sum(len(item) + 2 for item in vitals) + 2 > width:
            vitals.pop()
        room = width - line.cell_len - len(amounts) - sum(len(item) + 2 for item in vitals) - 2
        if share is not None:
            style = self.style_of("warning" if share >= TIGHT_SHARE else "train")
            line.append_text(thin_bar(share, min(max(room, least), most), self.glyphs, style, self.style_of("line")))
            line.append(f" {amounts}", text)
        for item in vitals:
            line.append(f"  {item}", dim)
        return line

    def _host_line(self, readings: Readings, width: int) -> Text:
        used, total = readings.host_total_bytes - readings.host_available_bytes, readings.host_total_bytes
        share = used / total if total else 0.0
        amounts = f"{used / GIB:.1f}/{total / GIB:.1f} GiB"
        bar_width = min(max(width - len(amounts) - 8, BAR_CELLS[0]), BAR_CELLS[1])
        style = self.style_of("warning" if share >= TIGHT_SHARE else "train")
        return Text.assemble(
            ("host ", self.style_of("text")),
            thin_bar(share, bar_width, self.glyphs, style, self.style_of("line")),
            (f" {amounts}", self.style_of("text")),
        )

    def _facts(self, memory: Memory | None) -> list[Text]:
        if memory is None:
            return []
        known = (
            ("allocated", memory.torch_allocated_bytes),
            ("reserved", memory.torch_reserved_bytes),
            ("peak", memory.torch_peak_bytes),
            ("trainer's process", memory.host_rss_bytes),
        )
        return [
            Text.assemble((f"{name} ", self.style_of("dim")), (size(value), self.style_of("text")))
            for name, value in known
            if value is not None
        ]

    def _spark(self, width: int) -> str:
        memories = [] if self._history is None else self._history.memories
        values = [item.torch_allocated_bytes or item.host_rss_bytes or 0 for item in memories]
        return sparkline([float(value) for value in values], width, self.glyphs) if any(values) else ""
