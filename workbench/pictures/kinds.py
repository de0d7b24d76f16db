"""Draws a sample of each kind: an image, a row, a text, a waveform, a spectrogram.

A new kind is a function and a line in `DRAWN`, by the name of its field in `Sample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from workbench.pictures.blocks import Pixels, Plane, drawn, fitting, resized
from workbench.pictures.colours import colour_of
from workbench.pictures.look import Look
from workbench.pictures.wrapping import wrapped
from workbench.printable import without_controls
from workbench.processes import data
from workbench.units import count, duration

MOST_NAME_CELLS = 32
MOST_MAGNIFIED = 64
"""Pixels to which a small image is enlarged at most."""
AXIS_CELLS = 9
"""Left of a sound, for its frequencies."""
WAVE_ROWS = 4
LEAST_ROWS = 4
"""For a picture below another one."""
TEXT_FRACTION, TOKENS_FRACTION = 1 / 3, 1 / 6
"""Of the lines that a picture may have: for a text, and for its tokens."""


def sample_lines(sample: data.Sample, width: int, rows: int, look: Look) -> list[Text]:
    """The pictures of a sample, one below the other; rows: how many lines a picture may have."""
    lines: list[Text] = []
    for kind, draw in DRAWN.items():
        picture = getattr(sample, kind)
        if picture is not None:
            lines += draw(picture, width, max(rows - len(lines), LEAST_ROWS), look)
    return [look.cut(line, width) for line in lines]


def image_lines(image: data.Image, width: int, rows: int, look: Look) -> list[Text]:
    """The image in half blocks; values other than 0 to 255 are named below."""
    lines = drawn(image_pixels(image, width, rows, look), look)
    if image.black is not None and image.white is not None:
        lines.append(Text(f"black {image.black:.4g}, white {image.white:.4g}", look.style_of("dim")))
    return lines


def image_size(image: data.Image, width: int, rows: int) -> tuple[int, int]:
    """Columns and rows of pixels that an image has in that many cells."""
    return fitting(image.width, image.height, width, rows, max(MOST_MAGNIFIED // max(image.width, image.height), 1))


def image_pixels(image: data.Image, width: int, rows: int, look: Look) -> Pixels:
    """The image in the size that it has in that many cells."""
    size = image_size(image, width, rows)
    planes = [resized(plane, *size) for plane in _planes(image)]
    red, green, blue = planes if len(planes) == 3 else (planes[0],) * 3
    return Pixels(
        [
            [(round(r), round(g), round(b)) for r, g, b in zip(*channels, strict=True)]
            for channels in zip(red, green, blue, strict=True)
        ]
    )


def _planes(image: data.Image) -> list[Plane]:
    starts = range(0, image.channels * image.height * image.width, image.width)
    rows = [[float(value) for value in image.pixels[start : start + image.width]] for start in starts]
    return [rows[channel * image.height : (channel + 1) * image.height] for channel in range(image.channels)]


def row_lines(row: data.Row, width: int, rows: int, look: Look) -> list[Text]:
    """The names and values of a row, as the source gives them and as the model gets them."""
    dim, text = look.style_of("dim"), look.style_of("text")
    names = [look.cut(Text(without_controls(name)), MOST_NAME_CELLS).plain for name in row.names]
    values, encoded = list(map(written, row.values)), list(map(written, row.encoded))
    name_cells = max(map(cell_len, names), default=0)
    value_cells = max([*map(len, values), len("value") if encoded else 0])
    encoded_cells = max([*map(len, encoded), len("model gets")])
    lines = []
    if encoded:
        lines.append(Text(f"{'':<{name_cells}}  {'value':>{value_cells}}  {'model gets':>{encoded_cells}}", dim))
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        padding = " " * (name_cells - cell_len(name))
        line = Text.assemble((f"{name}{padding}  ", dim), (f"{value:>{value_cells}}", text))
        if encoded:
            line.append(f"  {encoded[place]:>{encoded_cells}}", dim)
        lines.append(line)
    if row.more:
        lines.append(Text(f"and {count(row.more)} more numbers", dim))
    return lines


def written(value: float | None) -> str:
    """A number of a row."""
    return "nan" if value is None else f"{value:.6g}"


def text_lines(text: data.Text, width: int, rows: int, look: Look) -> list[Text]:
    """The start of a text, and its first tokens."""
    shown = f"{text.text}{'' if text.is_whole else look.ellipsis}"
    plain = "\n".join(map(without_controls, shown.expandtabs(4).splitlines()))
    lines = [
        Text(line, look.style_of("text"))
        for line in wrapped(plain, width, max(int(rows * TEXT_FRACTION), 1), look.ellipsis)
    ]
    return [*lines, Text(), *_token_lines(text, width, max(int(rows * TOKENS_FRACTION), 1), look)]


def _token_lines(text: data.Text, width: int, most: int, look: Look) -> Iterator[Text]:
    """The tokens, in two styles in turns, so that blanks at their ends are seen."""
    if not text.tokens:
        return
    dim, accent = look.style_of("dim"), look.style_of("accent")
    tokens = [visible(token, look) for token in text.tokens]
    lines = [Text()]
    for place, token in enumerate(tokens):
        if lines[-1].cell_len + cell_len(token) + 1 > width and lines[-1].plain:
            if len(lines) == most:
                break
            lines.append(Text())
        if lines[-1].plain:
            lines[-1].append("|" if look.ascii else "│", dim)
        lines[-1].append(token, accent if place % 2 else look.style_of("text"))
    kept = "" if text.kept == text.length else f", of which the model gets {count(text.kept)}"
    yield Text(f"{count(text.length)} token{'' if text.length == 1 else 's'}{kept}:", dim)
    yield from (look.cut(line, width) for line in lines)


def visible(token: str, look: Look) -> str:
    """A token with blanks and line ends as characters that can be seen."""
    blank, end, tab = ("_", "\\n", "\\t") if look.ascii else ("␣", "⏎", "⇥")
    return without_controls(token.replace("\n", end).replace("\t", tab).replace(" ", blank))


def waveform_lines(wave: data.Waveform, width: int, rows: int, look: Look) -> list[Text]:
    """The loudness over time, around a middle line."""
    height = 2 * min(WAVE_ROWS, max(rows, 1))
    columns = max(min(len(wave.lows), width - AXIS_CELLS), 1)
    lows, highs = (resized([list(values)], columns, 1)[0] for values in (wave.lows, wave.highs))
    peak = max((abs(value) for value in (*wave.lows, *wave.highs)), default=0.0) or 1.0
    filled = [
        (round((1 - high / peak) / 2 * (height - 1)), round((1 - low / peak) / 2 * (height - 1)))
        for low, high in zip(lows, highs, strict=True)
    ]
    blocks = {(True, True): "#", (True, False): "'", (False, True): "."} if look.ascii else _BLOCKS
    train = look.style_of("train")
    lines = []
    for upper in range(0, height, 2):
        cells = [blocks.get((top <= upper <= bottom, top <= upper + 1 <= bottom), " ") for top, bottom in filled]
        lines.append(Text.assemble(" " * AXIS_CELLS, ("".join(cells), train)))
    said = f"{duration(wave.seconds)} at {wave.sample_rate:,} Hz"
    lines.append(Text.assemble(" " * AXIS_CELLS, (said, look.style_of("dim"))))
    return lines


_BLOCKS = {(True, True): "█", (True, False): "▀", (False, True): "▄"}


def spectrogram_pixels(found: data.Spectrogram, columns: int, rows: int, look: Look) -> Pixels:
    """A spectrogram in `columns` × `rows` pixels, high frequencies at the top."""
    plane = [found.values[start : start + found.columns] for start in range(0, len(found.values), found.columns)]
    values = resized(plane[::-1], columns, rows)
    if look.colours:
        return Pixels([[colour_of(value) for value in line] for line in values])
    return Pixels([[(round(255 * value),) * 3 for value in line] for line in values])


def spectrogram_lines(found: data.Spectrogram, width: int, rows: int, look: Look) -> list[Text]:
    """Frequency upwards, time to the right; bright is loud."""
    dim = look.style_of("dim")
    columns = max(min(found.columns, width - AXIS_CELLS), 1)
    picture = drawn(spectrogram_pixels(found, columns, 2 * min(max(rows - 1, 2), found.rows), look), look)
    labels = {0: found.high, len(picture) - 1: found.low}
    lines = [
        Text.assemble((f"{labels.get(place, ''):>{AXIS_CELLS - 1}} ", dim), line) for place, line in enumerate(picture)
    ]
    end = duration(found.seconds)
    axis = f"0 s{end:>{max(columns - 3, len(end) + 1)}}"
    return [*lines, Text(f"{'':<{AXIS_CELLS}}{axis}", dim)]


DRAWN: dict[str, Callable[[Any, int, int, Look], list[Text]]] = {
    "image": image_lines,
    "row": row_lines,
    "text": text_lines,
    "waveform": waveform_lines,
    "spectrogram": spectrogram_lines,
}
