"""How figures are summed up and shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from random import Random


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median (smallest to largest)."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def percent_more(ratios: Sequence[float]) -> str:
    """How much more than 1 the median of paired ratios is, in percent, and where it lies with a probability of 95 %."""
    low, high = median_interval(ratios)
    low, middle, high = (100 * (value - 1) for value in (low, statistics.median(ratios), high))
    return f"{middle:+.1f} % ({len(ratios)} pairs; 95 % interval of the median {low:+.1f} to {high:+.1f} %)"


def median_interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """Between which the median lies with a probability of 95 %, by the bootstrap (Efron, 1979)."""
    random = Random(0)
    medians = sorted(statistics.median(random.choices(values, k=len(values))) for _ in range(draws))
    return medians[draws * 25 // 1000], medians[draws * 975 // 1000]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as aligned columns, the first row the head; the first column left, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)
