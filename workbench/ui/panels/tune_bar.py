"""The top line of the Tune screen: the study, its state and how far it is."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from workbench.ui.live.study_watch import StudyWatch
from workbench.ui.live.study_words import WAYS, counts
from workbench.ui.panels.bars import thin_bar
from workbench.ui.panels.panel import LineWidget
from workbench.units import duration

STYLES = {
    "running": "good",
    "completed": "good",
    "starting": "accent",
    "paused": "warning",
    "stopped": "warning",
    "failed": "error",
    "lost": "error",
}
BAR_CELLS = (8, 40)
GAP = 2


class TuneBar(LineWidget):
    """One line; where it is short, the bar and then the counts are left out."""

    DEFAULT_CSS = "TuneBar { height: 1; background: $panel; }"
    IS_DRAWN_UNDER_DIALOGS = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._watch: StudyWatch | None = None
        self._preset_name = ""

    def show(self, watch: StudyWatch | None, name: str) -> None:
        """name: of the preset."""
        self._watch, self._preset_name = watch, name
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        badge = Style(reverse=True, bold=True) + self.style_of("accent")
        items = [Text(" workbench ", badge), Text(self._preset_name, self.style_of("strong"))]
        watch, dim = self._watch, self.style_of("dim")
        if watch is None:
            return [Text(" " * GAP).join([*items, Text("tune", dim)])]
        state = watch.state
        glyph = self.glyphs.wrong if state in ("failed", "lost") else self.glyphs.state
        words = WAYS[watch.question.way] if state == "running" else state
        items.append(Text(f"{glyph} {words}", self.style_of(STYLES.get(state, "dim"))))
        if watch.pending:
            items.append(Text(f"{watch.pending.replace('_', ' ')} ...", dim))
        right = Text(f"{duration(watch.view.seconds)} ", dim) if watch.view.seconds else Text()
        percent = Text(f"{100 * watch.fraction_done:.0f} %", dim) if state in ("running", "paused") else Text()
        details = Text(counts(watch), self.style_of("text"))
        if details and _width([*items, details, percent, right]) <= width:
            items.append(details)
        room = width - _width([*items, percent, right])
        if percent and room >= BAR_CELLS[0]:
            cells = min(room, BAR_CELLS[1])
            items.append(
                thin_bar(watch.fraction_done, cells, self.glyphs, self.style_of("train"), self.style_of("line"))
            )
        line = Text(" " * GAP).join([*items, *([percent] if percent else [])])
        line = self.cut(line, width - right.cell_len)
        line.append(" " * max(width - line.cell_len - right.cell_len, 0))
        return [Text.assemble(line, right)]


def _width(items: list[Text]) -> int:
    """Cells of all items, with a gap after each."""
    return sum(item.cell_len + GAP for item in items if item.cell_len)
