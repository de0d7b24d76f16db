"""Draws a confusion matrix as a picture: a row for each true class, the darker the more of its samples."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MOST_CLASSES = 100
"""A larger matrix has no picture: nobody could read it."""
CELL, SMALL_CELL, WITH_NUMBERS = 44, 8, 20
"""Pixels a class, with numbers and without; the most classes whose cells have numbers."""
MARGIN = 110
"""For the names of classes, which are cut where they are longer."""
WHITE, BLACK, GREY, BLUE = (255, 255, 255), (0, 0, 0), (120, 120, 120), (24, 78, 160)
DARK = 0.5
"""The fraction from which on a number is white."""


def confusion_png(matrix: Sequence[Sequence[float]], classes: Sequence[str]) -> tuple[bytes, int, int] | None:
    """The picture as PNG, its width and height; None for what is no square matrix, or has too many classes.

    matrix: (true class, predicted class), numbers of samples.
    """
    size = len(matrix)
    if not 0 < size <= MOST_CLASSES or any(len(row) != size for row in matrix):
        return None
    has_numbers = size <= WITH_NUMBERS
    cell = CELL if has_numbers else SMALL_CELL
    side = MARGIN + size * cell + 1
    image = Image.new("RGB", (side, side), WHITE)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default()
    draw.text((4, 4), "rows: true\ncolumns: predicted", GREY, font)
    for true, row in enumerate(matrix):
        total = sum(row) or 1
        for predicted, number in enumerate(row):
            left, top = MARGIN + predicted * cell, MARGIN + true * cell
            fraction = number / total
            shade = tuple(round(255 + fraction * (blue - 255)) for blue in BLUE)
            draw.rectangle((left, top, left + cell, top + cell), shade, (225, 225, 225) if has_numbers else None)
            if has_numbers and number:
                place = (left + cell / 2, top + cell / 2)
                draw.text(place, f"{number:,.0f}", WHITE if fraction > DARK else BLACK, font, "mm")
    if has_numbers:
        for index in range(size):
            name = _cut(str(classes[index]) if index < len(classes) else str(index), font)
            middle = MARGIN + (index + 0.5) * cell
            draw.text((MARGIN - 6, middle), name, BLACK, font, "rm")
            _draw_upright(image, name, font, round(middle))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue(), side, side


def _cut(name: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    name = "".join(character if character.isprintable() else " " for character in name)
    while font.getlength(name) > MARGIN - 12:
        name = name[:-1]
    return name


def _draw_upright(
    image: Image.Image, name: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, middle: int
) -> None:
    """Draws the name of a column, read from below."""
    strip = Image.new("RGB", (MARGIN - 8, 16), WHITE)
    ImageDraw.Draw(strip).text((0, 8), name, BLACK, font, "lm")
    turned = strip.rotate(90, expand=True)
    image.paste(turned, (middle - 8, MARGIN - 2 - turned.height))
