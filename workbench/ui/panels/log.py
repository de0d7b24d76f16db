"""The log panel: what the trainer reported, the latest at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.ui.live.log_lines import LogLine, clock
from workbench.ui.panels.scrolling import ScrollingPanel

STAMP_CELLS = 10
"""The time of day and the gap behind it."""


class LogPanel(ScrollingPanel):
    """Shows the end of the log, unless the user has scrolled up."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[LogLine] = ()
        self._follows = True
        self._rows: dict[int, tuple[LogLine, list[Text]]] = {}
        """By a line's identity, its rows as last wrapped: five hundred lines need not be wrapped for each drawing."""
        self._wrapped_for: tuple[int, str] = (0, "")
        self._starts: list[tuple[LogLine, int]] = []
        """Each line with the row that it starts at."""
        self._top: tuple[LogLine, int] | None = None
        """If scrolled up: the line at the top, and how many of its rows are above the panel. None: at the end."""

    def show(self, lines: Sequence[LogLine]) -> None:
        """Shows the lines of a log, which may grow. Another sequence is another log; it is shown from its end."""
        if lines is not self._lines:
            self._follows, self._top = True, None
        self._lines = lines
        self.redraw()

    def heading(self) -> Text:
        return Text("log", self.style_of("strong"))

    def all_lines(self, width: int) -> list[Text]:
        if not self._lines:
            return [Text("the trainer's messages appear here", self.style_of("dim"))]
        if self._wrapped_for != (width, self.app.theme):
            self._rows, self._wrapped_for = {}, (width, self.app.theme)
        # The line is kept beside its rows: else another line could get its place in memory, and be taken for it.
        self._rows = {id(line): self._rows.get(id(line)) or (line, self._wrapped(line, width)) for line in self._lines}
        shown: list[Text] = []
        self._starts = []
        for line, rows in self._rows.values():
            self._starts.append((line, len(shown)))
            shown += rows
        return shown

    def _wrapped(self, line: LogLine, width: int) -> list[Text]:
        """A line's rows: the time, then the text, beside the time where there is room."""
        styles = {"warning": "warning", "error": "error", "output": "dim"}
        glyphs = {"warning": f"{self.glyphs.warning} ", "error": f"{self.glyphs.wrong} "}
        said = Text(f"{glyphs.get(line.kind, '')}{line.text}", self.style_of(styles.get(line.kind, "text")))
        parts = said.wrap(self.app.console, max(width - STAMP_CELLS, 10))
        stamp = Text(f"{clock(line.time):<{STAMP_CELLS}}", self.style_of("dim"))
        return [Text.assemble(stamp if number == 0 else " " * STAMP_CELLS, part) for number, part in enumerate(parts)]

    def first_line(self, lines: int, height: int) -> int:
        last = max(lines - height, 0)
        if self._follows:
            return last
        if self._top is not None:  # old lines leave the log at its top; what the user reads stays in place
            top, above = self._top
            self._offset = next((start + above for line, start in self._starts if line is top), 0)
        first = min(self._offset, last)
        self._top = next(((line, first - start) for line, start in reversed(self._starts) if start <= first), None)
        return first

    def action_scroll_lines(self, lines: int) -> None:
        self._offset = max(self._offset + lines, 0)
        self._follows, self._top = False, None
        self.redraw()
        self._follows = self._hidden_below == 0
