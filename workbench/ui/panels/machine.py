"""The machine: each GPU with its processes and its history; without a GPU the processor, and who keeps it busy."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from workbench.devices.gpu import GpuReading
from workbench.runs.history import RunHistory
from workbench.ui.live.machine_history import MachineHistory
from workbench.ui.live.readings import Readings, own_gpu
from workbench.ui.panels.machine_lines import MachineLines, Meter
from workbench.ui.panels.scrolling import ScrollingPanel
from workbench.units import GIB, counted, duration

MOST_GRAPH_LINES = 5
MOST_BUSY, MOST_BUSY_BELOW_GPUS = 15, 5
"""Busy processes of the host that are listed, without GPUs and below them."""
LEAST_SECONDS = 10.0
"""From when on the histories say how far back they go."""
TIGHT_FRACTION = 0.9
"""From this fraction of a memory on, it is shown as nearly full."""


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
        if readings is not None:
            cards = counted(len(readings.gpus), "GPU") if readings.gpus else "no GPU"
            cores = f", {counted(len(readings.core_percents), 'core')}" if readings.core_percents else ""
            text.append(f"  {cards}{cores}", self.style_of("dim"))
        return text

    def footing(self) -> Text:
        """How far back the histories go, behind the numbers of lines out of sight."""
        hidden, seconds = super().footing(), self._past.seconds
        past = Text(f"the last {duration(seconds)}" if seconds >= LEAST_SECONDS else "", self.style_of("dim"))
        return Text(", ").join(part for part in (hidden, past) if part)

    def all_lines(self, width: int) -> list[Text]:
        readings = self._readings
        if readings is None:
            return [Text(f"reading {self.glyphs.ellipsis}", self.style_of("dim"))]
        lines = list(self._lines(readings, width, 1))
        # Where there is room left, the histories become higher.
        more = (self.size.height - 2 - len(lines)) // max(len(readings.gpus), 1)
        return lines if more < 1 else list(self._lines(readings, width, min(1 + more, MOST_GRAPH_LINES)))

    def _lines(self, readings: Readings, width: int, graph_lines: int) -> Iterator[Text]:
        """All lines; graph_lines: the height of each history, of the GPUs or, without any, of the host."""
        own = None if self._run is None else own_gpu(self._run.view.prepared, readings.gpus)
        closer = readings.closer
        draw = MachineLines(self, width, graph_lines)
        for gpu in readings.gpus:
            details = None if closer is None else closer.gpus.get(gpu.index)
            yield from draw.gpu_title(gpu, details, is_own=gpu is own)
            yield from draw.meters(list(self._gpu_meters(gpu)))
            yield from draw.gpu_processes(details, closer)
            yield Text()
        host = MachineLines(self, width, 1) if readings.gpus else draw
        yield from host.meters(list(self._host_meters(readings)))
        yield from host.cores(readings.core_percents)
        yield from host.load(readings)
        if processes := host.host_processes(closer, MOST_BUSY_BELOW_GPUS if readings.gpus else MOST_BUSY):
            yield Text()
            yield from processes

    def _gpu_meters(self, gpu: GpuReading) -> Iterator[Meter]:
        if gpu.utilization_percent is not None:
            past = self._past.series_of_gpu(gpu.index, _utilization)
            yield Meter("busy", f"{gpu.utilization_percent} %", gpu.utilization_percent / 100, past)
        if gpu.used_bytes is not None and gpu.total_bytes:
            past = self._past.series_of_gpu(gpu.index, _used_fraction)
            yield _memory_meter(gpu.used_bytes, gpu.total_bytes, past)

    def _host_meters(self, readings: Readings) -> Iterator[Meter]:
        if readings.cpu_percent is not None:
            past = self._past.series(lambda each: None if each.cpu_percent is None else each.cpu_percent / 100)
            yield Meter("CPU", f"{readings.cpu_percent:.0f} %", readings.cpu_percent / 100, past)
        total = readings.host_total_bytes
        if total:
            past = self._past.series(lambda each: 1 - each.host_available_bytes / total)
            yield _memory_meter(total - readings.host_available_bytes, total, past)


def _utilization(gpu: GpuReading) -> float | None:
    return None if gpu.utilization_percent is None else gpu.utilization_percent / 100


def _used_fraction(gpu: GpuReading) -> float | None:
    return None if gpu.used_bytes is None or not gpu.total_bytes else gpu.used_bytes / gpu.total_bytes


def _memory_meter(used: int, total: int, past: list[float | None]) -> Meter:
    digits = 1 if total < 100 * GIB else 0
    style = "warning" if used >= TIGHT_FRACTION * total else "train"
    amounts = f"{used / GIB:.{digits}f}/{total / GIB:.0f} GiB"
    return Meter("memory", amounts, used / total, past, style)
