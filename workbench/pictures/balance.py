"""How the targets are spread, in few lines: how many samples each class has, or the range of the numbers to predict."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workbench.pictures.facts import number
from workbench.pictures.look import Look
from workbench.printable import without_controls
from workbench.processes.data import DataSummary, Numbers
from workbench.units import count

HEIGHTS = "▁▂▃▄▅▆▇█"
ASCII_HEIGHTS = "_.,-=+*#"
MOST_NAME_CELLS = 16
MOST_BARS = 4
"""With more classes than this, all are columns of one line; else each has a bar in a line of its own."""


def balance_lines(summary: DataSummary, width: int, look: Look) -> list[Text]:
    """A bar for each class, or a column for each of many; of numbers, their quantiles. Empty if nothing is known."""
    counts = [(short_name(without_controls(each.name)), each.counts.get("train", 0)) for each in summary.classes]
    if any(samples for _, samples in counts):
        lines = _bars(counts, width, look) if len(counts) <= MOST_BARS else _columns(counts, summary, width, look)
    else:
        lines = [line for each in summary.numbers[:1] for line in _quantiles(each, width, look)]
    return [look.cut(line, width) for line in lines]


def short_name(name: str) -> str:
    """The name of a class without the word behind its number: of 4 - four, 4."""
    number, separator, _ = name.partition(" - ")
    return number if separator and number.isdigit() else name


def _bars(counts: Sequence[tuple[str, int]], width: int, look: Look) -> list[Text]:
    names = [look.cut(Text(name), MOST_NAME_CELLS).plain for name, _ in counts]
    name_cells, most = max(map(cell_len, names)), max(samples for _, samples in counts)
    count_cells = len(count(most))
    room = max(width - name_cells - count_cells - 4, 1)
    return [
        Text.assemble(
            (set_cell_size(name, name_cells), look.style_of("text")),
            (f"  {count(samples):>{count_cells}}  ", look.style_of("dim")),
            (look.bar * max(round(samples / most * room), 1 if samples else 0), look.style_of("train")),
        )
        for name, (_, samples) in zip(names, counts, strict=True)
    ]


def _columns(counts: Sequence[tuple[str, int]], summary: DataSummary, width: int, look: Look) -> list[Text]:
    """A column a class, as high as it has samples, over its name where all names are short; and the range in words."""
    samples = [each for _, each in counts]
    heights = ASCII_HEIGHTS if look.ascii else HEIGHTS
    most, last = max(samples), len(heights) - 1
    step = 2 if 2 * len(samples) <= width else 1
    bars = [heights[round(each / most * last)] if each else " " for each in samples]
    line = Text.assemble(((" " * (step - 1)).join(bars), look.style_of("train")))
    least = min(samples)
    words = f"{count(least)} each" if least == most else f"{count(least)} to {count(most)} each"
    if summary.more_classes:
        words += f", {count(summary.more_classes)} more classes"
    if line.cell_len + 2 + len(words) <= width:
        line.append(f"  {words}", look.style_of("dim"))
    lines = [line]
    if step == 2 and all(cell_len(name) == 1 for name, _ in counts):
        lines.append(Text(" ".join(name for name, _ in counts), look.style_of("dim")))
    return lines


def _written(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 10_000 else number(value)


def _quantiles(found: Numbers, width: int, look: Look) -> list[Text]:
    """From the least to the greatest number: the middle half thick, the median marked."""
    quartiles = [found.quantiles[percent] for percent in ("25", "50", "75") if percent in found.quantiles]
    low, high = _written(found.lowest), _written(found.highest)
    room = width - len(low) - len(high) - 2
    lines = [Text(f"{without_controls(found.name) or 'target'}  mean {_written(found.mean)}", look.style_of("text"))]
    if room < 8 or found.highest <= found.lowest or len(quartiles) < 3:
        return [*lines, Text(f"{low} to {high}", look.style_of("dim"))]

    def place(value: float) -> int:
        fraction = (value - found.lowest) / (found.highest - found.lowest)
        return min(max(int(fraction * room), 0), room - 1)

    first, middle, third = map(place, quartiles)
    thin, mark = ("-", "|") if look.ascii else ("─", "╋")
    dim, train = look.style_of("dim"), look.style_of("train")
    line = Text.assemble((f"{low} ", dim))
    for cell in range(room):
        inside = first <= cell <= third
        line.append(mark if cell == middle else look.bar if inside else thin, train if inside else dim)
    line.append(f" {high}", dim)
    return [*lines, line]
