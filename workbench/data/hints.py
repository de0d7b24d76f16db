"""Notes on suspicious columns of a table: row numbers, columns that leak the target, numbers too long for float64."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from workbench.data.columns import Floats
from workbench.data.delimited import Rows
from workbench.data.samples import Task

ENOUGH_ROWS = 30
"""With fewer rows, any column may look like row numbers or predict the target by chance."""

MOST_HINTS = 5
"""The most columns that are named as leaks: of thousands, some predict the target by chance."""

SAME_LINE = 0.999999
"""Columns with a larger correlation are the same quantity in different units."""

EXACT_INTEGERS = 2.0**53
"""float64 represents all whole numbers up to here exactly."""


def hints(rows: Rows, columns: dict[str, Floats], predicted: Tensor, task: Task) -> list[str]:
    """Returns a note for each numeric column that should perhaps be left out, or whose values are not distinguishable.

    columns: by name, each (rows,); predicted: as in `InMemory.targets`.
    """
    found: list[str] = []
    leaks: list[str] = []
    numbers = predicted.numpy().reshape(-1)
    for name, column in columns.items():
        if long := _merged(rows, name, column):
            found.append(f"{long}. data.categorical or data.ignore = [{name!r}] avoids that")
        if len(column) < ENOUGH_ROWS:
            continue
        counts, predicts = _counts_rows(column), _predicts(column, numbers, task)
        if not counts and not predicts:
            continue
        what = " and ".join(
            ["counts the rows"] * counts
            + [f"alone determines the {'class' if task.kind == 'classification' else 'target'}"] * predicts
        )
        leaks.append(f"column {name!r} {what}: leave it out with data.ignore, unless it is known when predicting")
    if task.kind == "regression" and (long := _merged(rows, task.targets[0], numbers)):
        found.append(long)
    more = len(leaks) - MOST_HINTS
    return found + leaks[:MOST_HINTS] + ([f"the same is true of {more} other columns"] if more > 0 else [])


def _counts_rows(column: Floats) -> bool:
    """Whether the column holds consecutive whole numbers, in any order, perhaps with a few missing."""
    if not (column == np.floor(column)).all():
        return False
    ordered = np.sort(column)
    # A tenth may be missing: rows may have been dropped.
    return bool((np.diff(ordered) > 0).all() and ordered[-1] - ordered[0] < 1.1 * len(column))


def _predicts(column: Floats, target: np.ndarray, task: Task) -> bool:
    """Whether the column alone determines the target: each class has its own range, or the relation is linear."""
    if task.kind == "regression":
        if column.std() == 0 or target.std() == 0:
            return False
        return bool(abs(np.corrcoef(column, target)[0, 1]) > SAME_LINE)
    order = np.argsort(column, kind="stable")
    values, classes = column[order], target[order]
    changes = classes[1:] != classes[:-1]
    # A value that occurs in two classes does not determine the class.
    return bool(changes.sum() == task.outputs - 1 and not (changes & (values[1:] == values[:-1])).any())


def _merged(rows: Rows, name: str, column: Floats) -> str:
    """Returns a note if float64 makes long whole numbers equal; else empty."""
    if np.abs(column).max() < EXACT_INTEGERS:
        return ""
    texts, values = len(set(rows.column(name))), len(np.unique(column))
    if texts == values:
        return ""
    return (
        f"column {name!r} has {texts} different values, of which only {values} stay distinct: float64 has about 16 "
        "digits"
    )
