"""The page of the machine: a block for each GPU, and one for the host."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from workbench.devices.gpu import GpuReading
from workbench.runs.history import RunHistory
from workbench.ui.live.machine_history import MachineHistory
from workbench.ui.live.readings import TIGHT_FRACTION, Readings, own_gpu
from workbench.ui.panels.machine_lines import MachineLines, Meter
from workbench.ui.panels.panel import LineWidget
from workbench.units import GIB

MOST_GRAPH_LINES = 5
MOST_BUSY, MOST_BUSY_BELOW_GPUS = 15, 5
"""Busy processes of the host that are listed, without GPUs and below them."""


def page_lines(
    readings: Readings, past: MachineHistory, run: RunHistory | None, width: int, height: int, on: LineWidget
) -> list[Text]:
    """All lines of the page, which may be more than `height`; where there is room left, the histories are higher.

    run: the watched run, whose card is marked. on: the widget that shows them.
    """
    lines = list(_lines(readings, past, run, MachineLines(on, width), MachineLines(on, width)))
    more = (height - len(lines)) // max(len(readings.gpus), 1)
    if more < 1:
        return lines
    high = MachineLines(on, width, min(1 + more, MOST_GRAPH_LINES))
    return list(_lines(readings, past, run, high, MachineLines(on, width) if readings.gpus else high))


def _lines(
    readings: Readings, past: MachineHistory, run: RunHistory | None, cards: MachineLines, host: MachineLines
) -> Iterator[Text]:
    """cards, host: draw the blocks of the GPUs, and that of the host."""
    own = None if run is None else own_gpu(run.view.prepared, readings.gpus)
    closer = readings.closer
    for gpu in readings.gpus:
        details = None if closer is None else closer.gpus.get(gpu.index)
        yield from cards.gpu_title(gpu, details, is_own=gpu is own)
        yield from cards.meters(list(_gpu_meters(gpu, past)))
        yield from cards.gpu_processes(details, closer)
        yield Text()
    yield from host.meters(list(_host_meters(readings, past)))
    yield from host.cores(readings.core_percents)
    yield from host.load(readings)
    if processes := host.host_processes(closer, MOST_BUSY_BELOW_GPUS if readings.gpus else MOST_BUSY):
        yield Text()
        yield from processes


def _gpu_meters(gpu: GpuReading, past: MachineHistory) -> Iterator[Meter]:
    if gpu.utilization_percent is not None:
        busy = past.series_of_gpu(gpu.index, _utilization)
        yield Meter("busy", f"{gpu.utilization_percent} %", gpu.utilization_percent / 100, busy)
    if gpu.used_bytes is not None and gpu.total_bytes:
        used = past.series_of_gpu(gpu.index, _used_fraction)
        yield _memory_meter(gpu.used_bytes, gpu.total_bytes, used)


def _host_meters(readings: Readings, past: MachineHistory) -> Iterator[Meter]:
    if readings.cpu_percent is not None:
        busy = past.series(lambda each: None if each.cpu_percent is None else each.cpu_percent / 100)
        yield Meter("CPU", f"{readings.cpu_percent:.0f} %", readings.cpu_percent / 100, busy)
    if total := readings.host_total_bytes:
        used = past.series(lambda each: 1 - each.host_available_bytes / total)
        yield _memory_meter(readings.host_used_bytes, total, used)


def _utilization(gpu: GpuReading) -> float | None:
    return None if gpu.utilization_percent is None else gpu.utilization_percent / 100


def _used_fraction(gpu: GpuReading) -> float | None:
    return None if gpu.used_bytes is None or not gpu.total_bytes else gpu.used_bytes / gpu.total_bytes


def _memory_meter(used: int, total: int, past: list[float | None]) -> Meter:
    digits = 1 if total < 100 * GIB else 0
    style = "warning" if used >= TIGHT_FRACTION * total else "train"
    amounts = f"{used / GIB:.{digits}f}/{total / GIB:.0f} GiB"
    return Meter("memory", amounts, used / total, past, style)
