"""Memory and vitals of every GPU; without one, of the host."""

from __future__ import annotations

from rich.text import Text

from workbench.devices.gpu import GpuReading
from workbench.runs.events import Prepared
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Footprint, Memory
from workbench.ui.live.planner import Expectation
from workbench.ui.live.readings import TIGHT_FRACTION, Readings, own_gpu, short_name
from workbench.ui.panels.bars import flow, thin_bar
from workbench.ui.panels.graphs import history_lines
from workbench.ui.panels.panel import Panel
from workbench.units import GIB, counted, size

BAR_CELLS = (4, 32)
GAP = 2
TWO_COLUMNS_FROM = 96
GIVING_WAY = ("rest", "load", "gradients", "reserved", "torch allocated", "optimizer", "parameters", "data")
"""The order in which figures are left out where there is too little room."""


class MemoryPanel(Panel):
    """A bar for each card, or for the host; below, the memory of the run or of the settings, by kind."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None
        self._readings: Readings | None = None
        self._expectation: Expectation | None = None

    def show(
        self, history: RunHistory | None, readings: Readings | None, expectation: Expectation | None = None
    ) -> None:
        """Shows the machine now, and the memory of a run; before a run, that of the settings being edited."""
        self._history, self._readings, self._expectation = history, readings, expectation
        self.redraw()

    def heading(self) -> Text:
        text = Text("memory", self.style_of("strong"))
        gpus = () if self._readings is None else self._readings.gpus
        names = {gpu.name for gpu in gpus}
        if len(names) == 1:  # different cards are named in their own rows
            times = f"{len(gpus)} {self.glyphs.times} " if len(gpus) > 1 else ""
            text = Text.assemble(text, (f"  {times}{short_name(names.pop())}", self.style_of("dim")))
        return text

    def footing(self) -> Text:
        if self._readings is None:
            return Text()
        place, expected = self._place(self._readings), self._expected_peak
        if expected is None:
            return Text(place, self.style_of("dim"))
        alone = f"expected {size(expected)}"
        shorter = [f"{start}, {alone}" for start in (place, place.removeprefix("run on ")) if start]
        return self.first_fitting(Text(text, self.style_of("dim")) for text in (*shorter, alone))

    def _place(self, readings: Readings) -> str:
        """The device of the run, in words."""
        if not readings.gpus:
            return "no GPU: training on the CPU"
        if self._is_on_cpu:
            return "run on the CPU"
        own = own_gpu(self._prepared, readings.gpus)
        return "" if own is None else f"run on GPU {own.index}"

    @property
    def _footprint(self) -> Footprint | None:
        return None if self._history is None else self._history.view.footprint

    @property
    def _expected_peak(self) -> int | None:
        if self._footprint is not None:
            return self._footprint.expected_peak_bytes
        if self._history is None and self._expectation is not None:
            return self._expectation.peak_bytes
        return None

    @property
    def _prepared(self) -> Prepared | None:
        return None if self._history is None else self._history.view.prepared

    @property
    def _is_on_cpu(self) -> bool:
        return self._prepared is not None and self._prepared.device == "cpu"

    def content(self, width: int, height: int) -> list[Text]:
        readings = self._readings
        if readings is None:
            return [Text(f"reading {self.glyphs.ellipsis}", self.style_of("dim"))]
        lines = [self._host_line(readings, width)] if self._is_on_cpu or not readings.gpus else []
        known = self._kinds() | self._facts(readings)
        facts = flow(list(known.values()), width)
        # The cards leave room for the figures below them, up to a third of the panel.
        room = max(height - len(lines) - min(len(facts), height // 3), 1)
        lines += self._gpu_lines(readings.gpus, width, room)
        if facts and len(lines) + 1 + len(facts) < height:
            lines.append(Text())
        lines += self._fitting(known, width, height - len(lines))
        if (reason := self._reason) and len(lines) < height:
            lines += Text(reason, self.style_of("dim")).wrap(self.app.console, width)[: height - len(lines)]
        past = self._past(width, height - len(lines))
        if len(past) > 1 and len(lines) + len(past) < height:
            lines.append(Text())
        return lines + past

    def _gpu_lines(self, gpus: tuple[GpuReading, ...], width: int, room: int) -> list[Text]:
        """A row for each card, on at most `room` lines: the run's own card first, last the number of cards left out."""
        own = own_gpu(self._prepared, gpus)
        ordered = sorted(gpus, key=lambda gpu: (gpu is not own, gpu.index))
        columns = 2 if len(ordered) > room and width >= TWO_COLUMNS_FROM else 1
        shown = ordered if len(ordered) <= room * columns else ordered[: (room - 1) * columns]
        rows = GpuRows(self, shown, (width - GAP * (columns - 1)) // columns, own)
        lines = []
        for start in range(0, len(shown), columns):
            line = Text(" " * GAP).join([rows.line(gpu) for gpu in shown[start : start + columns]])
            lines.append(line)
        if (hidden := len(ordered) - len(shown)) > 0:
            lines.append(Text(f"+{hidden} more GPU{'s' if hidden > 1 else ''}", self.style_of("dim")))
        return lines

    def _host_line(self, readings: Readings, width: int) -> Text:
        used, total = readings.host_used_bytes, readings.host_total_bytes
        fraction = used / total if total else 0.0
        amounts = f"{used / GIB:.1f}/{total / GIB:.1f} GiB"
        least, most = BAR_CELLS
        bar_width = min(max(width - len(amounts) - len("host  "), least), most)
        style = self.style_of("warning" if fraction >= TIGHT_FRACTION else "train")
        return Text.assemble(
            ("host ", self.style_of("text")),
            thin_bar(fraction, bar_width, self.glyphs, style, self.style_of("line")),
            (f" {amounts}", self.style_of("text")),
        )

    def _fitting(self, known: dict[str, Text], width: int, room: int) -> list[Text]:
        """Facts side by side on at most `room` lines; the least important are left out."""
        kept = dict(known)
        for name in GIVING_WAY:
            if len(flow(list(kept.values()), width)) > room:
                kept.pop(name, None)
        return flow(list(kept.values()), width)[: max(room, 0)]

    def _kinds(self) -> dict[str, Text]:
        """A run's memory by kind, and its peak; estimated values begin with ~."""
        footprint, expectation = self._footprint, self._expectation
        if footprint is not None:
            kinds, peak, guessed = footprint.kinds, footprint.peak_bytes, set(footprint.expected)
        elif self._history is None and expectation is not None:
            kinds, peak = expectation.kinds, expectation.peak_bytes
            guessed = {*kinds, "peak"} - {"parameters", "gradients", "data"}
        else:
            return {}
        sizes = {kind: bytes for kind, bytes in kinds.items() if bytes} | ({} if peak is None else {"peak": peak})
        return {kind: self._fact(kind, f"{'~' * (kind in guessed)}{size(bytes)}") for kind, bytes in sizes.items()}

    @property
    def _reason(self) -> str:
        """Why the memory by kind is unknown, or incomplete."""
        if self._footprint is not None:
            return self._footprint.reason
        return self._expectation.reason if self._history is None and self._expectation is not None else ""

    def _fact(self, name: str, value: str) -> Text:
        return Text.assemble((f"{name} ", self.style_of("dim")), (value, self.style_of("text")))

    def _facts(self, readings: Readings) -> dict[str, Text]:
        memory = (None if self._history is None else self._history.view.memory) or Memory(step=0)
        sizes = (
            ("torch allocated", memory.torch_allocated_bytes),
            ("reserved", memory.torch_reserved_bytes),
            *([] if self._footprint is not None else [("peak", memory.torch_peak_bytes)]),
            ("trainer's process", memory.host_rss_bytes),
        )
        known = [(name, size(value)) for name, value in sizes if value is not None]
        if not readings.gpus or self._is_on_cpu:
            if readings.cpu_percent is not None:
                known.append(("CPU", f"{readings.cpu_percent:.0f} %"))
            if readings.load is not None:
                known.append(("load", f"{readings.load:.1f}"))
        facts = {name: self._fact(name, value) for name, value in known}
        if "load" in facts and readings.is_overloaded:  # unlike a usual load, it never gives way
            cores = counted(len(readings.core_percents), "core")
            warning = f"{self.glyphs.warning} load {readings.load:.1f} on {cores}"
            facts["overload"] = Text(warning, self.style_of("warning"))
            facts.pop("load")
        return facts

    def _past(self, width: int, height: int) -> list[Text]:
        """How the memory grew: PyTorch's on a GPU, otherwise the process's; never one followed by the other."""
        memories = [] if self._history is None else self._history.memories
        values = [item.torch_allocated_bytes for item in memories if item.torch_allocated_bytes is not None]
        name = "allocated"
        if not values:
            values = [item.host_rss_bytes for item in memories if item.host_rss_bytes is not None]
            name = "process"
        return history_lines(name, [float(value) for value in values], width, height, size, self)


class GpuRows:
    """Rows of cards in common columns, so that cards can be compared."""

    def __init__(self, panel: MemoryPanel, gpus: list[GpuReading], width: int, own: GpuReading | None) -> None:
        """width: cells of a row; own: the card of the run, which is marked."""
        self._panel, self._width, self._own = panel, width, own
        self._index_width = max((len(str(gpu.index)) for gpu in gpus), default=1)
        self._amounts = max((len(_amounts(gpu)) for gpu in gpus), default=0)
        names = {short_name(gpu.name) for gpu in gpus}
        self._name_width = max(map(len, names)) if len(names) > 1 else 0
        vitals = [self._vitals(gpu) for gpu in gpus]
        self._vital_widths = [max(map(len, column)) for column in zip(*vitals, strict=True)]
        # Where rows are short, the name is left out first, then temperature, then the other vitals.
        if self._room < BAR_CELLS[0]:
            self._name_width = 0
        while any(self._vital_widths) and self._room < BAR_CELLS[0]:
            self._vital_widths[max(i for i, cells in enumerate(self._vital_widths) if cells)] = 0

    @property
    def _room(self) -> int:
        """Cells that are left for the bar."""
        fixed = len("GPU ") + self._index_width + 1 + (self._amounts and self._amounts + 1)
        columns = [cells for cells in [self._name_width, *self._vital_widths] if cells]
        return self._width - fixed - sum(cells + GAP for cells in columns)

    def _vitals(self, gpu: GpuReading) -> list[str]:
        degree = self._panel.glyphs.degree
        return [
            "" if gpu.utilization_percent is None else f"{gpu.utilization_percent} %",
            "" if gpu.power_watts is None else f"{gpu.power_watts:.0f} W",
            "" if gpu.temperature_celsius is None else f"{gpu.temperature_celsius} {degree}C",
        ]

    def line(self, gpu: GpuReading) -> Text:
        """Index, bar, used and total, utilisation, power, temperature; unknown values stay blank."""
        panel, style_of = self._panel, self._panel.style_of
        dim, text = style_of("dim"), style_of("strong" if gpu is self._own else "text")
        line = Text.assemble((f"GPU {gpu.index:>{self._index_width}} ", text))
        if self._name_width:
            line.append(f"{short_name(gpu.name):<{self._name_width}}  ", dim)
        cells = min(max(self._room, BAR_CELLS[0]), BAR_CELLS[1])
        if gpu.used_bytes is not None and gpu.total_bytes:
            fraction = gpu.used_bytes / gpu.total_bytes
            filled = style_of("warning" if fraction >= TIGHT_FRACTION else "train")
            bar = thin_bar(fraction, cells, panel.glyphs, filled, style_of("line"))
            line.append_text(bar)
        elif self._amounts:
            line.append(" " * cells)
        if self._amounts:
            line.append(f" {_amounts(gpu):>{self._amounts}}", text)
        for vital, width in zip(self._vitals(gpu), self._vital_widths, strict=True):
            if width:
                line.append(f"{'':{GAP}}{vital:>{width}}", dim)
        return line


def _amounts(gpu: GpuReading) -> str:
    if gpu.used_bytes is None or not gpu.total_bytes:
        return ""
    return f"{gpu.used_bytes / GIB:.1f}/{gpu.total_bytes / GIB:.0f} GiB"
