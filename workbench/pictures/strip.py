"""A few samples in a given room: pictures beside each other as large as they fit, rows as a table, texts one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from rich.cells import cell_len
from rich.text import Text

from workbench.pictures.balance import short_name
from workbench.pictures.blocks import Pixels, drawn
from workbench.pictures.gallery import GAP, gallery_lines
from workbench.pictures.kinds import image_pixels, image_size, spectrogram_pixels, waveform_lines, written
from workbench.pictures.look import Look
from workbench.pictures.wrapping import wrapped
from workbench.printable import without_controls
from workbench.processes.data import Sample

MOST_STRIPS = 4
MOST_TARGET_CELLS = 12
LEAST_COLUMN = 8
"""Cells of a column of a table."""
LEAST_CELLS = 6
"""Of a picture, so that its caption says something."""
LEAST_ROWS = 4
"""Of a picture where there are several strips: in fewer, nothing is recognised."""
TEXT_ROWS = 4
"""Of a text with its caption and the blank line below."""
WAVE_ROWS = 6


@dataclass(frozen=True)
class Tile:
    """A picture of a sample, which can be drawn in any room."""

    caption: Text
    own_size: tuple[int, int]
    """Columns and rows that it has itself: more show no more of it."""
    size: Callable[[int, int], tuple[int, int]]
    """Columns and rows of pixels that it has in that many cells and rows of cells."""
    pixels: Callable[[int, int], Pixels]
    """The picture in that many cells and rows of cells."""


def strip_lines(samples: Sequence[Sample], width: int, rows: int, look: Look) -> list[Text]:
    """As many samples as the room shows well, each under its target; at most `rows` lines."""
    if not samples or rows < 2:
        return []
    tiles = [tile for sample in samples if (tile := _tile_of(sample, look)) is not None]
    if tiles:
        lines = _tiled(tiles, width, rows, look)
    elif samples[0].row is not None:
        lines = _table(samples, width, look)
    else:
        lines = _stacked(samples, width, rows, look)
    return [look.cut(line, width) for line in lines[:rows]]


def _caption(sample: Sample, look: Look) -> Text:
    return Text(short_name(without_controls(sample.target)), look.style_of("strong"))


def _tile_of(sample: Sample, look: Look) -> Tile | None:
    if (image := sample.image) is not None:
        return Tile(
            _caption(sample, look),
            (image.width, image.height),
            lambda cells, rows: image_size(image, cells, rows),
            lambda cells, rows: image_pixels(image, cells, rows, look),
        )
    if (spectrogram := sample.spectrogram) is not None:
        return Tile(
            _caption(sample, look),
            (spectrogram.columns, spectrogram.rows),
            lambda cells, rows: (min(cells, 2 * rows), 2 * rows),
            lambda cells, rows: spectrogram_pixels(spectrogram, min(cells, 2 * rows), 2 * rows, look),
        )
    return None


def _tiled(tiles: Sequence[Tile], width: int, rows: int, look: Look) -> list[Text]:
    """Pictures in as many strips and as high as shows most: their pixels decide, and how many they are."""
    choices = [(strips, height) for strips in range(1, MOST_STRIPS + 1) for height in _heights(rows // strips, strips)]
    if not choices:
        return []

    def shows(choice: tuple[int, int]) -> tuple[float, int]:
        strips, height = choice
        columns, lines = tiles[0].size(width, height)
        own_columns, own_lines = tiles[0].own_size
        shown = min(len(tiles), strips * _abreast(columns, width))
        return shown**1.25 * min(columns, own_columns) * min(lines, own_lines), columns * lines

    strips, height = max(choices, key=shows)
    columns, _ = tiles[0].size(width, height)
    abreast = _abreast(columns, width)
    return _strips(tiles[: strips * abreast], abreast, max(columns, LEAST_CELLS), height, look)


def _heights(rows: int, strips: int) -> range:
    """The heights that pictures may have in a strip of `rows` rows, of which the first is their captions."""
    return range(rows - 1, (2 if strips == 1 else LEAST_ROWS) - 1, -1)


def _abreast(columns: int, width: int) -> int:
    """How many pictures, each `columns` wide, stand beside each other."""
    return max((width + GAP) // (max(columns, LEAST_CELLS) + GAP), 1)


def _strips(tiles: Sequence[Tile], abreast: int, cells: int, height: int, look: Look) -> list[Text]:
    lines: list[Text] = []
    for start in range(0, len(tiles), abreast):
        columns = [[tile.caption, *drawn(tile.pixels(cells, height), look)] for tile in tiles[start : start + abreast]]
        for place in range(max(map(len, columns))):
            parts = [column[place] if place < len(column) else Text() for column in columns]
            lines.append(Text(" " * GAP).join(_padded(part, cells, look) for part in parts))
    return lines


def _padded(part: Text, cells: int, look: Look) -> Text:
    part = look.cut(part, cells).copy()
    part.pad_right(cells - part.cell_len)
    return part


def _table(samples: Sequence[Sample], width: int, look: Look) -> list[Text]:
    """A line a sample where all columns have room beside each other; else a line a column, for the first samples."""
    rows = [(_caption(sample, look), sample.row) for sample in samples if sample.row is not None]
    names = [without_controls(name) for name in max((row.names for _, row in rows), key=len)]
    target_cells = min(max(target.cell_len for target, _ in rows), MOST_TARGET_CELLS)
    room = (width - target_cells) // max(len(names), 1)
    if room < LEAST_COLUMN:
        return list(takewhile(lambda line: line.plain, gallery_lines(samples, width, look)[1:]))
    values = [[written(value) for value in row.values] for _, row in rows]
    widths = [
        min(max(cell_len(name), *(len(row[place]) for row in values if place < len(row))) + GAP, room)
        for place, name in enumerate(names)
    ]
    dim, text = look.style_of("dim"), look.style_of("text")
    heads = [look.cut(Text(name), cells - GAP).plain for name, cells in zip(names, widths, strict=True)]
    head = "".join(_right(each, cells) for each, cells in zip(heads, widths, strict=True))
    lines = [Text(" " * target_cells + head, dim)]
    for (target, _), row in zip(rows, values, strict=True):
        line = _padded(target, target_cells, look)
        for value, cells in zip(row, widths, strict=False):
            line.append(_right(look.cut(Text(value), cells - 1).plain, cells), text)
        lines.append(line)
    return lines


def _right(words: str, cells: int) -> str:
    return " " * (cells - cell_len(words)) + words


def _stacked(samples: Sequence[Sample], width: int, rows: int, look: Look) -> list[Text]:
    """Texts and sounds, one below the other."""
    lines: list[Text] = []
    for sample in samples:
        if sample.text is not None:
            words = without_controls(" ".join(sample.text.text.split()))
            body = [Text(part, look.style_of("text")) for part in wrapped(words, width, TEXT_ROWS - 2, look.ellipsis)]
        elif sample.waveform is not None:
            body = waveform_lines(sample.waveform, width, WAVE_ROWS - 2, look)
        else:
            continue
        if lines and len(lines) + 1 + len(body) > rows:
            break
        lines += [_caption(sample, look), *body, Text()]
    return lines
