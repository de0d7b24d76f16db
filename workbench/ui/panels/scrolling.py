"""A panel with more lines than it has room for."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from workbench.ui.panels.panel import Panel


def in_view(place: int, size: int, room: int) -> range:
    """The lines in view, with the one at `place` among them; in the middle, where there are more on both sides."""
    seen = min(size, max(room, 1))
    first = min(max(place - seen // 2, 0), size - seen)
    return range(first, first + seen)


class ScrollingPanel(Panel):
    """Up and down move through the lines; the lower border says how many are hidden."""

    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("up down", "scroll"), ("m", "maximise"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", show=False),
        Binding("down,j", "scroll_lines(1)", show=False),
        Binding("pageup", "scroll_lines(-10)", show=False),
        Binding("pagedown", "scroll_lines(10)", show=False),
        Binding("home", "scroll_lines(-100000)", show=False),
        Binding("end", "scroll_lines(100000)", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offset = 0
        self._hidden_above = self._hidden_below = 0

    def all_lines(self, width: int) -> list[Text]:
        """All lines, in view or not."""
        raise NotImplementedError

    def first_line(self, lines: int, height: int) -> int:
        """The first line in view."""
        return min(self._offset, max(lines - height, 0))

    def content(self, width: int, height: int) -> list[Text]:
        lines = self.all_lines(width)
        self._offset = first = self.first_line(len(lines), height)
        self._hidden_above, self._hidden_below = first, max(len(lines) - first - height, 0)
        return lines[first : first + height]

    def footing(self) -> Text:
        parts = []
        if self._hidden_above:
            parts.append(f"{self._hidden_above} above")
        if self._hidden_below:
            parts.append(f"{self._hidden_below} below")
        return Text(", ".join(parts), self.style_of("dim"))

    def lines(self, width: int, height: int) -> list[Text]:
        # The lower border says how many lines are left out, so it is drawn after the content.
        if width >= 4 and height >= 3:
            self.content(width - 4, height - 2)
        return super().lines(width, height)

    def action_scroll_lines(self, lines: int) -> None:
        """Moves by `lines` lines."""
        self._offset = max(self._offset + lines, 0)
        self.redraw()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.action_scroll_lines(3)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.action_scroll_lines(-3)
