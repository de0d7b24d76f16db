"""A few samples in a given room: pictures beside each other as large as they fit, rows as a table, texts one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from workbench.pictures.balance import short_name
from workbench.pictures.blocks import Pixels, drawn
from workbench.pictures.gallery import GAP, gallery_lines
from workbench.pictures.kinds import image_pixels, spectrogram_pixels, waveform_lines
from workbench.pictures.look import Look
from workbench.pictures.wrapping import wrapped
from workbench.printable import without_controls
from workbench.processes.data import Sample

MOST_STRIPS = 4
LEAST_CELLS = 6
"""Of a picture, so that its caption says something."""
TEXT_ROWS = 4
"""Of a text with its caption and the blank line below."""
WAVE_ROWS = 6

Tile = Callable[[int, int], Pixels]
"""Pixels in at most that many cells and rows of cells."""


def strip_lines(samples: Sequence[Sample], width: int, rows: int, look: Look) -> list[Text]:
    """As many samples as the room shows well, each under its target; at most `rows` lines."""
    if not samples or rows < 2:
        return []
    tiles = [(sample, tile) for sample in samples if (tile := _tile_of(sample, look)) is not None]
    if tiles:
        lines = _tiled(tiles, width, rows, look)
    elif samples[0].row is not None:
        lines = gallery_lines(samples, width, look)[1:]
    else:
        lines = _stacked(samples, width, rows, look)
    return [look.cut(line, width) for line in lines[:rows]]


def _caption(sample: Sample, look: Look) -> Text:
    return Text(short_name(without_controls(sample.target)), look.style_of("strong"))


def _tile_of(sample: Sample, look: Look) -> Tile | None:
    image, spectrogram = sample.image, sample.spectrogram
    if image is not None:
        return lambda cells, rows: image_pixels(image, cells, rows, look)
    if spectrogram is not None:
        return lambda cells, rows: spectrogram_pixels(spectrogram, min(cells, 3 * rows), 2 * rows, look)
    return None


def _tiled(tiles: Sequence[tuple[Sample, Tile]], width: int, rows: int, look: Look) -> list[Text]:
    """Pictures in as many strips as show most: the area that they cover decides, and how many they are."""
    best: list[Text] = []
    shown_most = 0.0
    for strips in range(1, MOST_STRIPS + 1):
        height = rows // strips - 1  # a line for what each is
        if height < 2:
            break
        first = tiles[0][1](width, height)
        cells = max(first.width, LEAST_CELLS)
        abreast = max((width + GAP) // (cells + GAP), 1)
        shown = tiles[: abreast * strips]
        shows = len(shown) ** 1.5 * first.width * len(first.rows)
        if shows > shown_most:
            best, shown_most = _strips(shown, abreast, cells, height, look), shows
    return best


def _strips(tiles: Sequence[tuple[Sample, Tile]], abreast: int, cells: int, height: int, look: Look) -> list[Text]:
    lines: list[Text] = []
    for start in range(0, len(tiles), abreast):
        columns = [
            [_caption(sample, look), *drawn(tile(cells, height), look)]
            for sample, tile in tiles[start : start + abreast]
        ]
        for place in range(max(map(len, columns))):
            parts = [column[place] if place < len(column) else Text() for column in columns]
            lines.append(Text(" " * GAP).join(_padded(part, cells, look) for part in parts))
    return lines


def _padded(part: Text, cells: int, look: Look) -> Text:
    part = look.cut(part, cells).copy()
    part.pad_right(cells - part.cell_len)
    return part


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
