"""The two lines at the foot of the screen: a sentence about what is at hand, and the keys."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.ui.panels.panel import Drawn


class HintLine(Drawn):
    """One sentence: the help of the setting at the cursor, a notice, what went wrong."""

    DEFAULT_CSS = "HintLine { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Text()

    def show(self, text: Text) -> None:
        """Shows a sentence in place of the one before."""
        self._text = text
        self.redraw()

    @property
    def text(self) -> str:
        """What is shown, without its colours."""
        return self._text.plain

    def lines(self, width: int, height: int) -> list[Text]:
        return [Text.assemble(" ", self._text)]


class KeysLine(Drawn):
    """The keys that matter now; those of lower rank give way where the line is short."""

    DEFAULT_CSS = "KeysLine { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: list[tuple[str, str, int]] = []

    def show(self, keys: Sequence[tuple[str, str, int]]) -> None:
        """Shows keys: (key, label, rank), in order."""
        self._keys = list(keys)
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        kept = list(self._keys)
        while kept and sum(len(key) + len(label) + 3 for key, label, _ in kept) > width:
            kept.remove(min(kept, key=lambda item: item[2]))
        line = Text()
        for key, label, _ in kept:
            line.append(f" {key}", self.style_of("accent") + self.style_of("strong").without_color)
            line.append(f" {label} ", self.style_of("dim"))
        return [line]
