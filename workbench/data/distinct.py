"""Notes on distinct values that become equal in float32."""

from __future__ import annotations

import numpy as np
from torch import Tensor

MOST_ROWS = 100_000
"""Rows that are compared; further ones are not."""

SAFE_RANGE = 2.0**22
"""Whole numbers within this range stay distinct after standardising."""

MOST_NAMED = 5
"""Columns that get a note of their own."""

MOST_MERGED = 0.01
"""Non-integers that agree in seven digits may merge; a column gets a note if more than this fraction of it does."""


def merged_columns(raw: Tensor, made: Tensor, names: tuple[str, ...]) -> list[str]:
    """Returns a note for each column in which distinct values become equal.

    raw: float64 (rows, columns), as read. made: the same in float32, as the model gets them. names: the columns' names,
    or empty.
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
            f"{name}: {different} different values become {different - together} in float32; for example, "
            f"{before[at]:.17g} and {before[at + 1]:.17g} become equal"
        )
    more = len(notes) - MOST_NAMED
    return notes[:MOST_NAMED] + ([f"values of {more} other columns become equal too"] if more > 0 else [])
