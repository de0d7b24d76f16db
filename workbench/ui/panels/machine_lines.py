"""The lines of the machine page: meters with their history, cores, tables of processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.text import Text

from workbench.devices.gpu import GpuReading
from workbench.devices.gpu_details import HEAT, GpuDetails
from workbench.ui.live.readings import CloserReading, Readings, short_name
from workbench.ui.panels.bars import flow, thin_bar
from workbench.ui.panels.graphs import Scale, area
from workbench.ui.panels.panel import LineWidget
from workbench.units import counted, size

NAME_CELLS = 8
GAP = 4
"""Between two meters side by side."""
SIDE_BY_SIDE_FROM = 80
BAR_CELLS, VALUE_CELLS = 12, 15
"""Of a meter on a single line; the value has a blank on either side."""
LEAST_GRAPH_CELLS = 8
CORE_BAR_CELLS = 10
MOST_CORE_BARS = 16
"""Of more cores, each is a single cell."""
CORE_GROUP = 8
USERS_FROM = 50
"""Narrower tables leave out the user."""
PID_CELLS, USER_CELLS, FIGURE_CELLS = 7, 10, 10
NOT_VISIBLE = "not visible from here"
"""Of a process in another container, or of a user whose processes are hidden."""


@dataclass(frozen=True)
class Meter:
    """A figure, as a fraction of its maximum, and its history."""

    name: str
    value: str
    fraction: float
    past: Sequence[float | None]
    """As fractions too."""
    style: str = "train"


class MachineLines:
    """Draws on a panel, in lines of `width` cells."""

    def __init__(self, on: LineWidget, width: int, graph_lines: int = 1) -> None:
        """graph_lines: the height of each history."""
        self._on, self._width, self._graph_lines = on, width, graph_lines

    def meters(self, meters: Sequence[Meter]) -> list[Text]:
        """Two meters side by side, each above its history; on a narrow panel a line each, with the history behind."""
        if self._width < SIDE_BY_SIDE_FROM:
            return [self._line(meter) for meter in meters]
        cells = (self._width - GAP) // 2
        lines = []
        for row in zip(*(self._block(meter, cells) for meter in meters), strict=True):
            line = Text()
            for part in row:
                line.pad_right(-line.cell_len % (cells + GAP))
                line.append_text(part)
            lines.append(line)
        return lines

    def _block(self, meter: Meter, cells: int) -> list[Text]:
        bar = self._bar(meter, cells - NAME_CELLS - len(meter.value) - 1)
        return [bar, *area(meter.past, cells, self._graph_lines, Scale(0.0, 1.0), self._on, meter.style)]

    def _line(self, meter: Meter) -> Text:
        line = self._bar(meter, BAR_CELLS)
        room = self._width - NAME_CELLS - BAR_CELLS - VALUE_CELLS
        if room >= LEAST_GRAPH_CELLS:
            line.pad_right(self._width - room - line.cell_len)
            line.append_text(area(meter.past, room, 1, Scale(0.0, 1.0), self._on, meter.style)[0])
        return line

    def _bar(self, meter: Meter, cells: int) -> Text:
        on = self._on
        bar = thin_bar(meter.fraction, cells, on.glyphs, on.style_of(meter.style), on.style_of("line"))
        name = (f"{meter.name:<{NAME_CELLS}}", on.style_of("dim"))
        return Text.assemble(name, bar, (f" {meter.value}", on.style_of("text")))

    # A GPU.

    def gpu_title(self, gpu: GpuReading, details: GpuDetails | None, *, is_own: bool) -> list[Text]:
        """Its name, whether the run trains on it, and its vitals."""
        on = self._on
        title = Text.assemble(
            (f"GPU {gpu.index}", on.style_of("strong")), (f"  {short_name(gpu.name)}", on.style_of("text"))
        )
        if is_own:
            title.append(f"  {on.glyphs.state} this run", on.style_of("accent"))
        vitals = Text("   ").join(self._vitals(gpu, details or GpuDetails()))
        gap = self._width - title.cell_len - vitals.cell_len
        if gap >= 2:
            title.pad_right(gap)
            return [title.append_text(vitals)]
        return [title, *flow(self._vitals(gpu, details or GpuDetails()), self._width)]

    def _vitals(self, gpu: GpuReading, details: GpuDetails) -> list[Text]:
        on, shown = self._on, list[str]()
        if gpu.temperature_celsius is not None:
            shown.append(f"{gpu.temperature_celsius} {on.glyphs.degree}C")
        if gpu.power_watts is not None:
            limit = details.power_limit_watts
            shown.append(f"{gpu.power_watts:.0f}{'' if limit is None else f' of {limit:.0f}'} W")
        if details.clock_mhz is not None:
            most = details.most_clock_mhz
            shown.append(f"{details.clock_mhz:,}{'' if most is None else f' of {most:,}'} MHz")
        if details.fan_percent is not None:
            shown.append(f"fan {details.fan_percent} %")
        vitals = [Text(vital, on.style_of("dim")) for vital in shown]
        if details.slowed_by == HEAT:
            vitals.insert(0, Text(f"{on.glyphs.warning} slowed by {HEAT}", on.style_of("warning")))
        elif details.slowed_by:  # a GPU that works hard reaches it
            vitals.insert(0, Text(f"slowed by {details.slowed_by}", on.style_of("dim")))
        return vitals

    # The processor.

    def cores(self, percents: Sequence[float]) -> list[Text]:
        """A small bar for each core; many cores take a cell each."""
        on, dim = self._on, self._on.style_of("dim")
        if len(percents) <= MOST_CORE_BARS:
            shown = [self._core(number, percent) for number, percent in enumerate(percents)]
        else:
            heights = area([each / 100 for each in percents], len(percents), 1, Scale(0.0, 1.0), on)[0]
            shown = [heights[first : first + CORE_GROUP] for first in range(0, len(percents), CORE_GROUP)]
        lines = flow(shown, self._width - NAME_CELLS)
        return [
            Text.assemble((f"{'' if number else 'cores':<{NAME_CELLS}}", dim), line)
            for number, line in enumerate(lines)
        ]

    def _core(self, number: int, percent: float) -> Text:
        on = self._on
        bar = thin_bar(percent / 100, CORE_BAR_CELLS, on.glyphs, on.style_of("train"), on.style_of("line"))
        return Text.assemble((f"{number:>2} ", on.style_of("dim")), bar, (f"{percent:>4.0f} %", on.style_of("text")))

    def load(self, readings: Readings) -> list[Text]:
        """The load, and whether it is more than the cores can do."""
        load, cores = readings.load, len(readings.core_percents)
        if load is None:
            return []
        text = Text.assemble(
            (f"{'load':<{NAME_CELLS}}", self._on.style_of("dim")), (f"{load:.1f}", self._on.style_of("text"))
        )
        if cores:
            text.append(f" on {counted(cores, 'core')}", self._on.style_of("dim"))
            if readings.is_overloaded:
                text.append(f"  {self._on.glyphs.warning} programs wait for each other", self._on.style_of("warning"))
        return [text]

    # Processes.

    def gpu_processes(self, details: GpuDetails | None, closer: CloserReading | None) -> list[Text]:
        """A row for each process on a GPU."""
        if details is None or closer is None or details.processes is None:
            return []
        known = {each.process_id: each for each in closer.processes}
        rows = []
        for each in details.processes:
            process = known.get(each.process_id)
            rows.append(
                _Row(
                    each.process_id,
                    "" if process is None else process.user,
                    ("" if each.used_bytes is None else size(each.used_bytes),),
                    closer.owners.whose(each.process_id, () if process is None else process.ancestors),
                    NOT_VISIBLE if process is None else process.command,
                )
            )
        return self._table(("memory",), rows)

    def host_processes(self, closer: CloserReading | None, most: int) -> list[Text]:
        """A row for each of the busiest processes, and for those of workbench."""
        if closer is None:
            return []
        rows = []
        for number, each in enumerate(closer.processes):
            whose = closer.owners.whose(each.process_id, each.ancestors)
            if number < most or whose in ("this run", "this app"):
                cpu = "" if each.cpu_percent is None else f"{each.cpu_percent:.0f} %"
                memory = "" if each.rss_bytes is None else size(each.rss_bytes)
                rows.append(_Row(each.process_id, each.user, (cpu, memory), whose, each.command))
        return self._table(("CPU", "memory"), rows)

    def _table(self, figures: Sequence[str], rows: Sequence[_Row]) -> list[Text]:
        if not rows:
            return []
        on = self._on
        dim, text, accent = on.style_of("dim"), on.style_of("text"), on.style_of("accent")
        users = USER_CELLS if self._width >= USERS_FROM else 0
        titles = "".join(f"{title:>{FIGURE_CELLS}}" for title in figures)
        lines = [Text(f"{'pid':>{2 + PID_CELLS}}  {'user' if users else '':<{users}}{titles}  command", dim)]
        for row in rows:
            own = bool(row.whose)
            mark = on.glyphs.state if own else " "
            line = Text.assemble((f"{mark} ", accent), (f"{row.process_id:>{PID_CELLS}}  ", dim))
            line.append(set_cell_size(on.glyphs.cut(row.user, max(users - 1, 0)), users), text)
            line.append("".join(f"{figure:>{FIGURE_CELLS}}" for figure in row.figures), text)
            line.append("  ")
            if own:
                line.append(f"{row.whose}  ", accent)
            line.append(row.command, text if own else dim)
            lines.append(line)
        return lines


@dataclass(frozen=True)
class _Row:
    """A process as the tables show it."""

    process_id: int
    user: str
    figures: tuple[str, ...]
    whose: str
    command: str
