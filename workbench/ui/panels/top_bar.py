"""The line on top: the run, its state and progress, and the machine's vitals; before a run, the preset."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from workbench.runs.status import ENDED
from workbench.runs.view import RunView
from workbench.ui.live.readings import Readings, own_gpu, short_name
from workbench.ui.panels.bars import thin_bar
from workbench.ui.panels.panel import LineWidget
from workbench.units import GIB, count, time_left

STATE_STYLES = {
    "training": "good",
    "validating": "good",
    "testing": "good",
    "tuning": "good",
    "completed": "good",
    "starting": "accent",
    "preparing": "accent",
    "paused": "warning",
    "stopped": "warning",
    "failed": "error",
    "lost": "error",
}
STATE_CELLS = len("validating")
"""As wide as the longest state of a run in progress: what follows must not move with every validation."""
BAR_CELLS = (6, 48)
GAP = 2
LEAST_NAME_CELLS = 12
_AT_RIGHT = ("card", "utilization", "power", "temperature", "host")
_GIVES_WAY = (
    "room", "temperature", "power", "host", "card", "badge", "utilization", "left", "rate", "preset", "detail",
    "percent", "changed", "epoch",
)  # fmt: skip
"""What is left out where the line is short, in this order; first the blanks after the state.

The card's name becomes GPU. The preset's name is shortened at `preset`, and left out at `changed`.
"""


@dataclass(frozen=True)
class TopBarContent:
    """What the line shows."""

    preset_name: str
    """Of the watched run, with the time of its start; before a run, of the open preset."""
    changed: bool
    """Whether the settings differ from the preset's file; never for a run."""
    state: str
    """Of the run; tuning, where a study trains instead of a run."""
    detail: str
    """More about the state, such as a request that the trainer has not handled yet."""
    view: RunView | None
    readings: Readings | None


class TopBar(LineWidget):
    """One line. Where it is short, items are left out in the order of `_GIVES_WAY`; the state always stays."""

    DEFAULT_CSS = "TopBar { height: 1; background: $panel; }"
    IS_DRAWN_UNDER_DIALOGS = True  # a run may be paused for what the dialog does

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._content: TopBarContent | None = None

    def show(self, content: TopBarContent) -> None:
        """Replaces the content."""
        self._content = content
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        content = self._content
        if content is None:
            return [Text()]
        items = self._left(content) | self._progress(content) | self._vitals(content)
        for name in _GIVES_WAY:
            if _width(items) <= width:
                break
            items = self._without(items, name, width)
        at_right = {name: item for name, item in items.items() if name in _AT_RIGHT}
        at_left = [item for name, item in items.items() if name not in _AT_RIGHT]
        room = width - _width(items) - GAP
        if "percent" in items and content.view is not None and room >= BAR_CELLS[0]:
            cells = min(room - GAP, BAR_CELLS[1]) if at_right else min(room, BAR_CELLS[1])
            bar = thin_bar(
                content.view.fraction_done, cells, self.glyphs, self.style_of("train"), self.style_of("line")
            )
            at_left.insert(at_left.index(items["percent"]), bar)
        line = Text(" " * GAP).join(at_left)
        right = Text(" " * GAP).join(list(at_right.values()))
        line.append(" " * max(width - line.cell_len - right.cell_len - 1, 0))
        return [Text.assemble(line, right)]

    def _without(self, items: dict[str, Text], name: str, width: int) -> dict[str, Text]:
        """The items without one of them; the preset's name is shortened instead, as far as necessary."""
        items = dict(items)
        if name == "preset" and name in items:
            cells = max(items[name].cell_len - (_width(items) - width), LEAST_NAME_CELLS)
            if cells < items[name].cell_len:
                mark = items[name][-2:] if items[name].plain.endswith(" *") else Text()
                items[name] = Text.assemble(self.cut(items[name], cells - mark.cell_len), mark)
        elif name == "room":
            items["state"] = items["state"].copy()
            items["state"].rstrip()
        elif name == "card" and name in items and "utilization" in items:
            items[name] = Text("GPU", self.style_of("dim"))  # so that the reader knows what the percentage is of
        elif name == "changed" and "preset" in items:
            items.pop("preset")
        else:
            items.pop(name, None)
            if name == "utilization":
                items.pop("card", None)
        return items

    def _left(self, content: TopBarContent) -> dict[str, Text]:
        badge = Style(reverse=True, bold=True) + self.style_of("accent")
        glyph = self.glyphs.wrong if content.state in ("failed", "lost") else self.glyphs.state
        style = self.style_of(STATE_STYLES.get(content.state, "dim"))
        is_in_progress = content.state in STATE_STYLES and content.state not in ENDED
        state = f"{content.state:<{STATE_CELLS}}" if is_in_progress else content.state
        name = Text.assemble(
            (content.preset_name, self.style_of("strong")), (" *" if content.changed else "", self.style_of("warning"))
        )
        items = {"badge": Text(" workbench ", badge), "preset": name, "state": Text(f"{glyph} {state}", style)}
        if content.detail:
            items["detail"] = Text(content.detail, self.style_of("dim"))
        return items

    def _progress(self, content: TopBarContent) -> dict[str, Text]:
        view = content.view
        if view is None:
            return {}
        dim, text = self.style_of("dim"), self.style_of("text")
        if view.prepared is None:
            if view.progress is None or content.state != "preparing":
                return {}
            done, total = view.progress.done, view.progress.total
            percent = f" {100 * done / total:.0f} %" if total else ""
            return {"epoch": Text(f"{view.progress.what}{percent}", dim)}
        epochs = view.prepared.epochs
        epoch = _epoch(view, content.state)
        place = count(epoch) if epochs is None else f"{count(min(epoch, epochs))}/{count(epochs)}"
        items = {"epoch": Text(f"epoch {place}", text)}
        if content.state not in ENDED and view.base_learning_rate is not None:
            items["rate"] = Text(f"lr {view.base_learning_rate:g}", dim)
        if content.state not in ENDED and epochs is not None:
            items["percent"] = Text(f"{100 * view.fraction_done:.0f} %", dim)
            if view.seconds_left is not None:
                items["left"] = Text(time_left(view.seconds_left), dim)
        return items

    def _vitals(self, content: TopBarContent) -> dict[str, Text]:
        """The readings of the run's card; before a run, of the first card; of the host if there is none, or if it is
        uncertain which card is the run's."""
        readings, dim = content.readings, self.style_of("dim")
        if readings is None:
            return {}
        prepared = None if content.view is None else content.view.prepared
        gpu = own_gpu(prepared, readings.gpus)
        if gpu is None and prepared is None:
            gpu = next(iter(readings.gpus), None)
        vitals: dict[str, str] = {}
        if gpu is None:
            if readings.cpu_percent is not None:
                vitals["utilization"] = f"CPU {readings.cpu_percent:.0f} %"
            vitals["host"] = f"{readings.host_used_bytes / GIB:.0f}/{readings.host_total_bytes / GIB:.0f} GiB"
        else:
            vitals["card"] = short_name(gpu.name)
            if gpu.utilization_percent is not None:
                vitals["utilization"] = f"{gpu.utilization_percent} %"
            if gpu.power_watts is not None:
                vitals["power"] = f"{gpu.power_watts:.0f} W"
            if gpu.temperature_celsius is not None:
                vitals["temperature"] = f"{gpu.temperature_celsius} {self.glyphs.degree}C"
        return {name: Text(value, dim) for name, value in vitals.items()}


def _epoch(view: RunView, state: str) -> int:
    """The number of the present epoch; after training, how many epochs were completed."""
    if state in (*ENDED, "testing"):
        return int(view.epoch)
    if state == "validating":
        return max(math.ceil(view.epoch), 1)  # its last step is done
    return int(view.epoch) + 1


def _width(items: dict[str, Text]) -> int:
    """Cells of all items, with a gap after each."""
    return sum(item.cell_len for item in items.values()) + GAP * max(len(items) - 1, 0) + 1
