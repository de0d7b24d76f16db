"""The line on top: which preset, what the trainer is doing, how far it is, and the vitals of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from workbench.devices.gpu import GpuReading
from workbench.runs.view import RunView
from workbench.ui.panels.bars import thin_bar
from workbench.ui.panels.panel import Drawn
from workbench.ui.readings import Readings
from workbench.units import duration

STATE_STYLES = {
    "training": "good",
    "validating": "good",
    "testing": "good",
    "completed": "good",
    "starting": "accent",
    "preparing": "accent",
    "paused": "warning",
    "stopped": "warning",
    "failed": "error",
    "lost": "error",
}
BAR_CELLS = (6, 30)


@dataclass(frozen=True)
class TopBarContent:
    """What the line tells."""

    preset_name: str
    changed: bool
    """Whether the settings differ from the preset's file."""
    state: str
    detail: str
    """Something about the state: what was asked and not yet obeyed."""
    view: RunView | None
    readings: Readings | None


class TopBar(Drawn):
    """One line; where it is short, the vitals go first, then the time left, then the bar."""

    DEFAULT_CSS = "TopBar { height: 1; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._content: TopBarContent | None = None

    def show(self, content: TopBarContent) -> None:
        """Shows other content."""
        self._content = content
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        content = self._content
        if content is None:
            return [Text()]
        left = self._left(content)
        parts = self._progress(content)
        vitals = self._vitals(content)
        # What gives way, the least important first.
        while vitals and left.cell_len + sum(part.cell_len + 2 for part in parts) + _width(vitals) + 2 > width:
            vitals.pop()
        while parts and left.cell_len + sum(part.cell_len + 2 for part in parts) > width:
            parts.pop()
        line = left
        for part in parts:
            line = Text.assemble(line, "  ", part)
        room = width - line.cell_len - _width(vitals) - 3
        if content.view is not None and parts and room >= BAR_CELLS[0]:
            bar = thin_bar(
                content.view.share, min(room, BAR_CELLS[1]), self.glyphs, self.style_of("train"), self.style_of("line")
            )
            line = Text.assemble(line, "  ", bar)
        line.append(" " * max(width - line.cell_len - _width(vitals), 0))
        for item in vitals:
            line.append(f"  {item}", self.style_of("dim"))
        return [line]

    def _left(self, content: TopBarContent) -> Text:
        badge = Style(reverse=True, bold=True) + self.style_of("accent")
        dot = Text.assemble(
            (f"{self.glyphs.dot} {content.state}", self.style_of(STATE_STYLES.get(content.state, "dim")))
        )
        if content.detail:
            dot.append(f" {content.detail}", self.style_of("dim"))
        return Text.assemble(
            (" workbench ", badge),
            (f" {content.preset_name}", self.style_of("strong")),
            (" *" if content.changed else "", self.style_of("warning")),
            "   ",
            dot,
        )

    def _progress(self, content: TopBarContent) -> list[Text]:
        view = content.view
        if view is None:
            return []
        dim, text = self.style_of("dim"), self.style_of("text")
        if view.prepared is None:
            if view.progress is None or content.state != "preparing":
                return []
            done, total = view.progress.done, view.progress.total
            share = f" {100 * done / total:.0f} %" if total else ""
            return [Text(f"{view.progress.what}{share}", dim)]
        epochs = view.prepared.epochs
        parts = [Text(f"epoch {min(int(view.epoch) + 1, epochs)}/{epochs}", text)]
        if content.state not in ("completed", "stopped", "failed", "lost"):
            parts.append(Text(f"{100 * view.share:.0f} %", dim))
            if view.seconds_left is not None:
                parts.append(Text(f"{duration(view.seconds_left)} left", dim))
        return parts

    def _vitals(self, content: TopBarContent) -> list[str]:
        readings = content.readings
        if readings is None:
            return []
        gpu = self._own_gpu(content, readings)
        if gpu is None:
            return [] if readings.cpu_percent is None else [f"CPU {readings.cpu_percent:.0f} % "]
        vitals = [_short_name(gpu.name)]
        if gpu.utilization_percent is not None:
            vitals.append(f"{gpu.utilization_percent} %")
        if gpu.power_watts is not None:
            vitals.append(f"{gpu.power_watts:.0f} W")
        if gpu.temperature_celsius is not None:
            vitals.append(f"{gpu.temperature_celsius} {self.glyphs.degree}C ")
        return vitals

    def _own_gpu(self, content: TopBarContent, readings: Readings) -> GpuReading | None:
        """The run's card; before a run the first."""
        prepared = None if content.view is None else content.view.prepared
        if prepared is not None and not prepared.device.startswith("cuda"):
            return None
        index = prepared.device.removeprefix("cuda:") if prepared is not None else ""
        own = [gpu for gpu in readings.gpus if str(gpu.index) == index]
        return next(iter(own or readings.gpus), None)


def _short_name(name: str) -> str:
    return " ".join(word for word in name.removeprefix("NVIDIA ").split() if word not in ("HBM3", "HBM3e", "HBM2e"))


def _width(items: list[str]) -> int:
    return sum(len(item) + 2 for item in items)
