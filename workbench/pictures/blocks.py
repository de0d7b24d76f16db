"""Draws pixels in half blocks: a cell shows two of them, one above the other, which makes them about square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from rich.color import Color
from rich.style import Style
from rich.text import Text

from workbench.pictures.look import Look

RAMP = " .:-=+*#%@"
"""From dark to bright, for terminals without colours."""
LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue look (ITU-R BT.601)."""

Pixel = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""
Plane = list[list[float]]
"""Rows of numbers, the uppermost first."""


@dataclass(frozen=True)
class Pixels:
    """Rows of pixels, the uppermost first, all of one length."""

    rows: Sequence[Sequence[Pixel]]

    @property
    def width(self) -> int:
        """Pixels of a row, which are as many cells."""
        return len(self.rows[0]) if self.rows else 0


def drawn(pixels: Pixels, look: Look) -> list[Text]:
    """The pixels in lines, half as many as there are rows."""
    pairs = [pixels.rows[place : place + 2] for place in range(0, len(pixels.rows), 2)]
    line_of = _coloured if look.colours else _in_characters
    return [line_of(pair[0], pair[1] if len(pair) > 1 else None) for pair in pairs]


def _coloured(upper: Sequence[Pixel], lower: Sequence[Pixel] | None) -> Text:
    text = Text()
    below: Sequence[Pixel | None] = [None] * len(upper) if lower is None else lower
    for pair, cells in groupby(zip(upper, below, strict=True)):
        text.append("▀" * len(list(cells)), _style(*pair))
    return text


@lru_cache(4096)
def _style(upper: Pixel, lower: Pixel | None) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=None if lower is None else Color.from_rgb(*lower))


def _in_characters(upper: Sequence[Pixel], lower: Sequence[Pixel] | None) -> Text:
    pairs = zip(upper, upper if lower is None else lower, strict=True)
    return Text("".join(_character((_luma(above) + _luma(below)) / 2) for above, below in pairs))


def _luma(pixel: Pixel) -> float:
    return sum(weight * value for weight, value in zip(LUMA, pixel, strict=True))


def _character(brightness: float) -> str:
    return RAMP[min(int(brightness / 256 * len(RAMP)), len(RAMP) - 1)]


def fitting(width: int, height: int, columns: int, rows: int, most_factor: int) -> tuple[int, int]:
    """The size in pixels that an image of another size gets in at most that many columns and rows of cells.

    Its proportions stay. A small image is enlarged a whole number of times, `most_factor` at most.
    """
    scale = min(columns / width, 2 * rows / height)
    if scale >= 1:
        factor = min(int(scale), most_factor)
        return width * factor, height * factor
    return max(round(width * scale), 1), max(2 * round(height * scale / 2), 1)  # whole cells


def resized(plane: Plane, width: int, height: int) -> Plane:
    """The plane in another size: each number is the mean of the area that it covers."""
    if not plane or (len(plane), len(plane[0])) == (height, width):
        return plane
    columns = _coverage(len(plane[0]), width)
    narrow = [[sum(weight * row[place] for place, weight in cover) for cover in columns] for row in plane]
    return [
        [sum(weight * narrow[place][column] for place, weight in cover) for column in range(width)]
        for cover in _coverage(len(plane), height)
    ]


@lru_cache(256)
def _coverage(before: int, after: int) -> list[list[tuple[int, float]]]:
    """For each place after resizing, the places before that it covers, and their weights, which sum to 1."""
    size = before / after
    covers = []
    for place in range(after):
        start, end = place * size, (place + 1) * size
        first, last = int(start + 1e-9), min(int(end - 1e-9), before - 1)
        parts = [(each, min(each + 1, end) - max(each, start)) for each in range(first, last + 1)]
        total = sum(weight for _, weight in parts)
        covers.append([(each, weight / total) for each, weight in parts])
    return covers
