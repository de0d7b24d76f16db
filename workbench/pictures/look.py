"""How pictures are drawn: the styles, and what the terminal has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text


@dataclass(frozen=True)
class Look:
    """The styles by name, whether there are colours to draw pixels with, and characters besides ASCII."""

    style_of: Callable[[str], Style]
    """text, strong, dim, accent, warning, train, validation."""
    colours: bool
    """Whether pixels have colours; else a character stands for how bright each is."""
    ascii: bool = False

    @property
    def bar(self) -> str:
        """A cell of a bar."""
        return "=" if self.ascii else "━"

    @property
    def ellipsis(self) -> str:
        """Ends what is cut, in a cell."""
        return "~" if self.ascii else "…"

    @property
    def times(self) -> str:
        """Between the sides of a tensor."""
        return "x" if self.ascii else "×"

    @property
    def between(self) -> str:
        """Between two facts in a line."""
        return "-" if self.ascii else "·"

    def cut(self, text: Text, cells: int) -> Text:
        """The text in at most `cells` cells; a longer one ends in a dim ellipsis."""
        if text.cell_len <= cells:
            return text
        text = text.copy()
        text.truncate(max(cells - 1, 0))
        return text.append(self.ellipsis, self.style_of("dim"))
