"""Where the parts of a heat map's rows stand: names, looks, values, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size

from workbench.ui.look.glyphs import Glyphs
from workbench.ui.panels.health_map import HealthMap

MOST_NAME_CELLS = 28
VALUE_CELLS = 8
WORD_GAP = 4
"""The gap before a word, with its mark."""
MOST_LOOK_CELLS = 6
"""A look takes at most this many cells, so that the first one is no bar."""


@dataclass(frozen=True)
class Columns:
    """Cells of the parts of a row."""

    name: int
    room: int
    """For the looks."""
    looks: int
    value: int = VALUE_CELLS

    @classmethod
    def of(cls, shown: Sequence[HealthMap], width: int) -> Columns:
        """The common columns of some heat maps on a panel of `width` cells."""
        word = max((len(word) + WORD_GAP for each in shown for word in each.words.values()), default=0)
        longest = max(len(_short(name)) for each in shown for name in each.values)
        name = min(longest, MOST_NAME_CELLS, max(width // 3, 1))
        return cls(name, max(width - name - 2 - VALUE_CELLS - word, 1), len(shown[0].steps))

    @property
    def used(self) -> int:
        """Cells of all looks."""
        each = min(self.room // self.looks, MOST_LOOK_CELLS)
        return each * self.looks or self.room  # more looks than cells: some are left out

    def look_at(self, cell: int) -> int:
        """The look that a cell shows."""
        return cell * self.looks // self.used

    def cell_of(self, look: int) -> int:
        """The first cell of a look."""
        return look * self.used // self.looks

    def fitted(self, name: str, glyphs: Glyphs) -> str:
        """A layer's name and the blank behind it."""
        return set_cell_size(glyphs.cut(_short(name), self.name), self.name + 1)


def _short(name: str) -> str:
    """A parameter's name without what nearly all have."""
    return name.removesuffix(".weight")
