"""The log panel: what the trainer said, the latest at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.ui.log_lines import LogLine, clock
from workbench.ui.panels.scrolling import ScrollingPanel


class LogPanel(ScrollingPanel):
    """Follows the end, unless one has scrolled up."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[LogLine] = ()
        self._follows = True

    def show(self, lines: Sequence[LogLine]) -> None:
        """Shows the lines of a log."""
        self._lines = lines
        self.redraw()

    def heading(self) -> Text:
        return Text("log", self.style_of("strong"))

    def all_lines(self, width: int) -> list[Text]:
        if not self._lines:
            return [Text("what the trainer says appears here", self.style_of("dim"))]
        styles = {"warning": "warning", "error": "error", "output": "dim"}
        glyphs = {"warning": f"{self.glyphs.warning} ", "error": f"{self.glyphs.wrong} "}
        shown = []
        for line in self._lines:
            stamp = clock(line.time) or " " * 8
            said = Text(f"{glyphs.get(line.kind, '')}{line.text}", self.style_of(styles.get(line.kind, "text")))
            for number, part in enumerate(said.wrap(self.app.console, max(width - 10, 10))):
                begin = stamp if number == 0 else " " * 8
                shown.append(Text.assemble((f"{begin}  ", self.style_of("dim")), part))
        return shown

    def first_line(self, lines: int, height: int) -> int:
        last = max(lines - height, 0)
        return last if self._follows else min(self._offset, last)

    def action_scroll_lines(self, lines: int) -> None:
        self._offset = max(self._offset + lines, 0)
        self._follows = False
        self.redraw()
        self._follows = self._hidden_below == 0
