"""Draws several samples: images side by side, rows as the columns of a table, all others one below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workbench.pictures.blocks import drawn
from workbench.pictures.kinds import MOST_NAME_CELLS, image_pixels, sample_lines, written
from workbench.pictures.look import Look
from workbench.printable import without_controls
from workbench.processes.data import Sample

IMAGE_CELLS = 24
"""The least width of an image where several have room beside each other."""
IMAGE_ROWS = 14
PICTURE_ROWS = 18
MOST_WIDTH = 100
"""Of what is drawn one below the other."""
MOST_COLUMN_CELLS = 18
GAP = 2


def gallery_lines(samples: Sequence[Sample], width: int, look: Look) -> list[Text]:
    """All samples, each under its target."""
    lines = [*_images(samples, width, look), *_rows(samples, width, look), *_others(samples, width, look)]
    return [look.cut(line, width) for line in lines]


def caption(sample: Sample, look: Look) -> Text:
    """What the model should predict of a sample."""
    return Text(without_controls(sample.target), look.style_of("strong"))


def _images(samples: Sequence[Sample], width: int, look: Look) -> Iterator[Text]:
    shown = [(sample, sample.image) for sample in samples if sample.image is not None]
    abreast = max((width + GAP) // (IMAGE_CELLS + GAP), 1)
    cells = (width - GAP * (abreast - 1)) // abreast
    pictures = [
        [caption(sample, look), *drawn(image_pixels(image, cells, IMAGE_ROWS, look), look)] for sample, image in shown
    ]
    # Images that are narrow even so, such as 8 by 8 pixels, stand as close as others.
    cells = max((line.cell_len for picture in pictures for line in picture[1:]), default=cells)
    cells = max(cells, min(max((picture[0].cell_len for picture in pictures), default=0), IMAGE_CELLS))
    abreast = max((width + GAP) // (cells + GAP), 1)
    for start in range(0, len(pictures), abreast):
        beside = pictures[start : start + abreast]
        yield Text()
        for place in range(max(map(len, beside))):
            yield _side_by_side([each[place] if place < len(each) else Text() for each in beside], cells, look)


def _side_by_side(parts: Sequence[Text], cells: int, look: Look) -> Text:
    line = Text()
    for number, part in enumerate(parts):
        part = look.cut(part, cells)
        line.append_text(part)
        if number < len(parts) - 1:
            line.append(" " * (cells - part.cell_len + GAP))
    return line


def _rows(samples: Sequence[Sample], width: int, look: Look) -> Iterator[Text]:
    """Tables with a column a sample."""
    shown = [(sample, sample.row) for sample in samples if sample.row is not None]
    if not shown:
        return
    names = [without_controls(name) for name in max((row.names for _, row in shown), key=len)]
    name_cells = min(max(map(cell_len, names), default=0), MOST_NAME_CELLS, max(width // 2, 1))
    columns = [[without_controls(sample.target), *map(written, row.values)] for sample, row in shown]
    widths = [min(max(map(cell_len, column)), MOST_COLUMN_CELLS) + GAP for column in columns]
    abreast = max((width - name_cells) // max(widths), 1)
    abreast = -(-len(columns) // -(-len(columns) // abreast))  # as many in the last table as in the others
    while columns:
        yield Text()
        for place in range(len(names) + 1):
            name = look.cut(Text(names[place - 1] if place else ""), name_cells).plain
            line = Text(set_cell_size(name, name_cells), look.style_of("dim"))
            line = Text.assemble(line)
            for column, cells in zip(columns[:abreast], widths, strict=False):
                value = look.cut(Text(column[place] if place < len(column) else ""), cells - GAP)
                line.append(" " * (cells - value.cell_len))
                line.append(value.plain, look.style_of("strong" if place == 0 else "text"))
            yield line
        columns, widths = columns[abreast:], widths[abreast:]
    more = max(row.more for _, row in shown)
    if more:
        yield Text(f"and {more:,} more numbers of each", look.style_of("dim"))


def _others(samples: Sequence[Sample], width: int, look: Look) -> Iterator[Text]:
    for sample in samples:
        if sample.image is None and sample.row is None:
            yield Text()
            yield caption(sample, look)
            yield from sample_lines(sample, min(width, MOST_WIDTH), PICTURE_ROWS, look)
