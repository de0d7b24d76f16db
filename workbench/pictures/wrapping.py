"""Breaks text into lines, between words where it can."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells


def wrapped(text: str, cells: int, most_lines: int | None = None, ellipsis: str = "…") -> list[str]:
    """The text in lines of at most that many cells; where lines are left out, the last one ends in an ellipsis."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _paragraph(paragraph, max(cells, 1))
    if most_lines is None or len(lines) <= most_lines:
        return lines
    kept = lines[:most_lines]
    if kept:
        last = kept[-1]
        while cell_len(last) > cells - cell_len(ellipsis):
            last = last[:-1]
        kept[-1] = f"{last.rstrip()}{ellipsis}"
    return kept


def _paragraph(text: str, cells: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= cells:
            lines[-1] = longer
            continue
        parts = chop_cells(word, cells) or [""]
        lines += parts if lines[-1] else []
        if not lines[-1]:
            lines[-1:] = parts
    return lines
