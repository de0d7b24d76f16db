"""Values that were different when they were read and are one in float32: said, where they are whole numbers or many."""

from __future__ import annotations

import numpy as np
from torch import Tensor

MOST_ROWS = 100_000
"""The most rows that are compared."""

SAFE_RANGE = 2.0**22
"""Whole numbers that are no further apart stay different, whatever is subtracted and divided before."""

MOST_NAMED = 5
"""The most columns that are named."""

MOST_MERGED = 0.01
"""Fractions that agree in seven digits are as good as one; of more than this fraction of a column there is a note."""


def merged_columns(raw: Tensor, made: Tensor, names: tuple[str, ...]) -> list[str]:
    """A note for each column whose values fall together.

    raw: float64 (rows, columns), as read. made: float32, the same as the model sees them. names: of the columns, or
    empty.
    """
    notes = []
    for index in range(raw.shape[1]):
        before, after = raw[:MOST_ROWS, index].numpy(), made[:MOST_ROWS, index].numpy()
        whole = bool((before == np.floor(before)).all())
        if whole and np.ptp(before) < SAFE_RANGE and np.abs(before).max() < SAFE_RANGE:
            continue
        order = np.argsort(before, kind="stable")
        before, after = before[order], after[order]
        new = np.diff(before) > 0
        lost = new & (np.diff(after) == 0)
        different, together = 1 + int(new.sum()), int(lost.sum())
        if together == 0 or (not whole and together < MOST_MERGED * different):
            continue
        at = int(np.argmax(lost))
        name = f"column {names[index]!r}" if names else f"column {index} (counted from 0)"
        notes.append(
            f"{name}: {different} different values are only {different - together} in float32, such as "
            f"{before[at]:.17g} and {before[at + 1]:.17g}"
        )
    more = len(notes) - MOST_NAMED
    return notes[:MOST_NAMED] + ([f"values of {more} other columns fall together too"] if more > 0 else [])
