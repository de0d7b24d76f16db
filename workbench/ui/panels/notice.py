"""A notice that the user must not miss: why a run ended, a warning, and the key that helps."""

from __future__ import annotations

from rich.text import Text
from textual.geometry import Size

from workbench.ui.panels.panel import Panel

MOST_LINES = 4
GAP = "   "
"""Between two keys."""


class NoticePanel(Panel, can_focus=False):
    """A bordered sentence or two; hidden when there is nothing to say."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = self._message = self._keys = self._kind = ""
        self.display = False

    def show(self, kind: str, title: str, message: str, keys: str = "") -> None:
        """kind: "error" or "warning"; keys: what to press, shown in the lower border, the first as long as one fits."""
        self._kind, self._title, self._message, self._keys = kind, title, message, keys
        self.display = True
        self.refresh(layout=True)
        self.redraw()

    def hide(self) -> None:
        """Hides the notice."""
        self._message = ""
        self.display = False

    @property
    def message(self) -> str:
        """The message; empty when hidden."""
        return self._message

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.content(max(width - 4, 10), MOST_LINES)) + 2

    def heading(self) -> Text:
        glyph = self.glyphs.wrong if self._kind == "error" else self.glyphs.warning
        return Text(f"{glyph} {self._title}", self.style_of(self._kind or "warning"))

    def footing(self) -> Text:
        keys = self._keys.split(GAP)
        shorter = (GAP.join(keys[:count]) for count in range(len(keys), 0, -1))
        return self.first_fitting(Text(text, self.style_of("dim")) for text in shorter)

    def content(self, width: int, height: int) -> list[Text]:
        return self.wrapped(Text(self._message, self.style_of("text")), width, height)
