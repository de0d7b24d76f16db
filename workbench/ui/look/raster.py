"""The dots of one curve: two by four a cell in braille, one a cell in plain ASCII.

Lines are drawn column by column, so that what lies outside the canvas costs nothing, and a line is never broken: in a
column it reaches from where the line enters it to where it leaves it.
"""

from __future__ import annotations

from math import floor

FIRST_BRAILLE = 0x2800
_BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a cell's dots, by column and row."""


def _spans(bits: tuple[tuple[int, ...], ...]) -> list[list[list[int]]]:
    """The mask of all dots of a cell from one row to another, by column, first row and last row."""
    return [
        [[sum(column[first : last + 1]) for last in range(len(column))] for first in range(len(column))]
        for column in bits
    ]


_BRAILLE_SPANS, _ASCII_SPANS = _spans(_BRAILLE), _spans(((1,),))


class Raster:
    """Dots in cells. Places are fractions of the width, from the left, and of the height, from below."""

    def __init__(self, columns: int, rows: int, *, ascii: bool = False) -> None:
        self.masks = [bytearray(columns) for _ in range(rows)]
        """By row and column, which dots of the cell are set."""
        self._cell_width, self._cell_height = (1, 1) if ascii else (2, 4)
        self._width, self._height = columns * self._cell_width, rows * self._cell_height
        self._spans = _ASCII_SPANS if ascii else _BRAILLE_SPANS

    def vertical(self, x: float, low: float, high: float) -> None:
        """Draws a vertical line; a dot if `low` is `high`."""
        if 0.0 <= x <= 1.0:
            self._fill(self._column(x), self._row(high), self._row(low))

    def band(self, start: tuple[float, float, float], end: tuple[float, float, float]) -> None:
        """Fills the room between two vertical lines, each an x with its lowest and its greatest height."""
        (x, low, high), (end_x, end_low, end_high) = start, end
        if end_x <= x or end_x < 0.0 or x > 1.0:
            return
        for column in range(self._column(max(x, 0.0)), self._column(min(end_x, 1.0)) + 1):
            at = min(max((column + 0.5) / self._width, x), end_x)
            top, foot = _between(x, high, end_x, end_high, at), _between(x, low, end_x, end_low, at)
            self._fill(column, self._row(top), self._row(foot))

    def line(self, x: float, y: float, end_x: float, end_y: float) -> None:
        """Draws a line between two places, both of which may lie outside."""
        if end_x < x:
            x, y, end_x, end_y = end_x, end_y, x, y
        if end_x < 0.0 or x > 1.0:
            return
        first, last = self._column(max(x, 0.0)), self._column(min(end_x, 1.0))
        if first == last:
            inside = min(max(x, 0.0), 1.0), min(max(end_x, 0.0), 1.0)
            heights = [_between(x, y, end_x, end_y, at) for at in inside] if end_x > x else [y, end_y]
            self._fill(first, self._row(max(heights)), self._row(min(heights)))
            return
        left, right = x * self._width, end_x * self._width
        top, slope = (1 - y) * self._height, (y - end_y) * self._height / (right - left)
        if abs(slope) <= 1:
            for column in range(first, last + 1):
                row = floor(top + slope * (min(max(column + 0.5, left), right) - left))
                self._fill(column, row, row)
            return
        # Where a steep line leaves a column it enters the next one a dot further on, so that it is no thicker there.
        down = 1 if slope > 0 else -1
        row = floor(top + slope * (max(first, left) - left))
        for column in range(first, last + 1):
            end = floor(top + slope * (min(column + 1, right) - left))
            if (end - row) * down >= 0:
                self._fill(column, min(row, end), max(row, end))
                row = end + down

    def _column(self, x: float) -> int:
        return min(int(x * self._width), self._width - 1)

    def _row(self, y: float) -> int:
        return floor((1 - y) * self._height)

    def _fill(self, x: int, first: int, last: int) -> None:
        """Sets the dots of a column from a row to another; those outside the canvas are left out."""
        first, last = max(first, 0), min(last, self._height - 1)
        if first > last:
            return
        column, side = divmod(x, self._cell_width)
        top, start = divmod(first, self._cell_height)
        bottom, end = divmod(last, self._cell_height)
        spans, masks = self._spans[side], self.masks
        if top == bottom:
            masks[top][column] |= spans[start][end]
            return
        masks[top][column] |= spans[start][-1]
        masks[bottom][column] |= spans[0][end]
        for row in range(top + 1, bottom):
            masks[row][column] |= spans[0][-1]


def _between(x: float, y: float, end_x: float, end_y: float, at: float) -> float:
    return y + (end_y - y) * (at - x) / (end_x - x)
