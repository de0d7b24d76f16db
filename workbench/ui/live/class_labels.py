"""Names of classes as a matrix shows them: short ones for its rows, and heads of its columns that differ."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

SEPARATOR = " - "
"""Between the short and the long form of a name, as torchvision has them: "4 - four"."""


def short_names(names: Sequence[str]) -> list[str]:
    """The names without what only repeats them, and on one line each; they stay different from each other."""
    whole = [" ".join(name.split()) or repr(name) for name in names]
    heads = [name.partition(SEPARATOR)[0] for name in whole]
    has_two_forms = all(SEPARATOR in name for name in whole) and len(set(heads)) == len(heads)
    return heads if has_two_forms else whole


def row_and_column_names(names: Sequence[str], cells: int) -> tuple[list[str], list[str]]:
    """The names for the rows and for the columns of a matrix whose columns have room for so many cells.

    Names that are too long are cut where they can still be told apart; else classes get numbers, which the rows say.
    """
    cut = [name if cell_len(name) <= cells else set_cell_size(name, cells).rstrip() for name in names]
    if len(set(cut)) == len(cut):
        return list(names), cut
    numbers = [str(number) for number in range(1, len(names) + 1)]
    widest = len(numbers[-1])
    return [f"{number:>{widest}} {name}" for number, name in zip(numbers, names, strict=True)], numbers
