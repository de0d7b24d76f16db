"""What is worth a look in a table, though it can be trained on: columns that count the rows or give the target away."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from workbench.data.columns import Floats
from workbench.data.delimited import Rows
from workbench.data.samples import Task

ENOUGH_ROWS = 30
"""In fewer rows, any column may look like a count or predict by chance."""

MOST_HINTS = 5
"""The most columns that are named as giving the target away: of thousands some do by chance."""

SAME_LINE = 0.999999
"""A correlation beyond this means that one column is the other in other units."""

EXACT_INTEGERS = 2.0**53
"""float64 holds all whole numbers up to here."""


def hints(rows: Rows, columns: dict[str, Floats], predicted: Tensor, task: Task) -> list[str]:
    """A note for each column of numbers that should perhaps be left out, or whose values cannot be told apart.

    columns: by name, each (rows,); predicted: as in `InMemory.targets`.
    """
    found: list[str] = []
    telling: list[str] = []
    numbers = predicted.numpy().reshape(-1)
    for name, column in columns.items():
        if long := _merged(rows, name, column):
            found.append(f"{long}. data.categorical or data.ignore = [{name!r}] avoids that")
        if len(column) < ENOUGH_ROWS:
            continue
        counts, tells = _counts_rows(column), _predicts(column, numbers, task)
        if not counts and not tells:
            continue
        what = " and ".join(
            ["counts the rows"] * counts
            + [f"alone {'tells the classes' if task.kind == 'classification' else 'gives the target'}"] * tells
        )
        telling.append(f"column {name!r} {what}: leave it out with data.ignore, unless it is known when predicting")
    if task.kind == "regression" and (long := _merged(rows, task.targets[0], numbers)):
        found.append(long)
    more = len(telling) - MOST_HINTS
    return found + telling[:MOST_HINTS] + ([f"the same is true of {more} other columns"] if more > 0 else [])


def _counts_rows(column: Floats) -> bool:
    """Whether these are whole numbers one after another, in any order, perhaps with a few left out."""
    if not (column == np.floor(column)).all():
        return False
    ordered = np.sort(column)
    # A tenth may be missing: rows that were dropped.
    return bool((np.diff(ordered) > 0).all() and ordered[-1] - ordered[0] < 1.1 * len(column))


def _predicts(column: Floats, target: np.ndarray, task: Task) -> bool:
    """Whether the target follows from this column: each class a range of its own, or a straight line."""
    if task.kind == "regression":
        if column.std() == 0 or target.std() == 0:
            return False
        return bool(abs(np.corrcoef(column, target)[0, 1]) > SAME_LINE)
    order = np.argsort(column, kind="stable")
    values, classes = column[order], target[order]
    changes = classes[1:] != classes[:-1]
    # Equal values in two classes decide nothing.
    return bool(changes.sum() == task.outputs - 1 and not (changes & (values[1:] == values[:-1])).any())


def _merged(rows: Rows, name: str, column: Floats) -> str:
    """Notes on whole numbers so long that float64 holds two of them as one."""
    if np.abs(column).max() < EXACT_INTEGERS:
        return ""
    texts, values = len(set(rows.column(name))), len(np.unique(column))
    if texts == values:
        return ""
    return (
        f"column {name!r} has {texts} different values, of which only {values} can be told apart, as float64 holds "
        "about 16 digits"
    )
