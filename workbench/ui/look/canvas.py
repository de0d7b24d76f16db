"""Curves in cells: each over those before it, ranges behind all of them.

A cell has one colour. Where two curves meet, it shows the dots of both in the colour of the upper one, so that neither
is broken; where they run together, every few cells it has the colour of a lower one, so that none vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.ui.look.raster import FIRST_BRAILLE, Raster

DASH_CELLS = 3
"""A dashed curve leaves out one cell in this many."""
SHOW_THROUGH_CELLS = 4
"""Where curves run together, one cell in this many has the colour of a lower one."""

Cell = tuple[str, str]
"""A character and the name of its style; no name: there is nothing in the cell."""
BLANK: Cell = (" ", "")


@dataclass(frozen=True)
class Stroke:
    """How the dots of a curve are shown."""

    style: str
    marker: str
    """Its character in plain ASCII."""
    dashed: bool = False
    """With gaps."""
    behind: bool = False
    """As a range, which every curve hides."""


class Canvas:
    """Cells, and for each the curves whose dots are in it."""

    def __init__(self, columns: int, rows: int, *, ascii: bool) -> None:
        self.columns, self.rows = columns, rows
        self._ascii = ascii
        self._dots = [bytearray(columns) for _ in range(rows)]
        self._strokes: list[list[tuple[Stroke, ...]]] = [[()] * columns for _ in range(rows)]
        """By row and column; the lowest first."""
        self._written: dict[tuple[int, int], Cell] = {}

    def raster(self) -> Raster:
        """An empty raster of this size."""
        return Raster(self.columns, self.rows, ascii=self._ascii)

    def add(self, raster: Raster, stroke: Stroke) -> None:
        """Lays a curve over those before it."""
        for dots, strokes, masks in zip(self._dots, self._strokes, raster.masks, strict=True):
            if not any(masks):
                continue
            for column, mask in enumerate(masks):
                if not mask or (stroke.dashed and column % DASH_CELLS == DASH_CELLS - 1):
                    continue
                below = strokes[column]
                if not below or below[-1].behind:
                    dots[column], strokes[column] = mask, (stroke,)
                elif not stroke.behind:
                    dots[column] |= mask
                    strokes[column] = (*below, stroke)

    def write(self, row: int, column: int, text: str, style: str) -> None:
        """Puts characters over the curves."""
        for place, character in enumerate(text, column):
            self._written[row, place] = character, style

    def write_beside(self, row: int, column: int, text: str, style: str) -> None:
        """Writes a text in a row where it hides no other, and little of curves, as near to a column as can be."""
        drawn = [bool(strokes) and not strokes[-1].behind for strokes in self._strokes[row]]
        hidden = [drawn[place] + self.columns * ((row, place) in self._written) for place in range(self.columns)]
        starts = range(max(self.columns - len(text), 0) + 1)
        start = min(starts, key=lambda start: (sum(hidden[start : start + len(text)]), abs(start - column)))
        self.write(row, start, text[: self.columns], style)

    def cells(self) -> list[list[Cell]]:
        """The rows of cells."""
        found = []
        for dots, strokes in zip(self._dots, self._strokes, strict=True):
            row = [BLANK] * self.columns
            for column, lying in enumerate(strokes):
                if lying:
                    shown = lying[-1] if len(lying) == 1 else _shown(lying, column)
                    row[column] = shown.marker if self._ascii else chr(FIRST_BRAILLE + dots[column]), shown.style
            found.append(row)
        for (at, column), cell in self._written.items():
            found[at][column] = cell
        return found


def _shown(strokes: tuple[Stroke, ...], column: int) -> Stroke:
    """Of the curves in a cell, the one whose colour it has."""
    turn, place = divmod(column, SHOW_THROUGH_CELLS)
    return strokes[-1] if place < SHOW_THROUGH_CELLS - 1 else strokes[turn % (len(strokes) - 1)]
