"""Columns of text made into numbers: measures, categories and what is to be predicted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workbench.data.delimited import Rows
from workbench.data.samples import Task
from workbench.errors import DataError

MOST_CLASSES = 20
"""A target of whole numbers with more different values than this is taken for a regression."""

FEW_ROWS = 50
"""In a table of so few rows, a category may well have a different value in each."""

MOST_CATEGORIES = 1000
"""A column with more different words than this is an identifier or free text, unless it is named a category."""

LARGEST = float(np.finfo(np.float32).max)
"""Training is in float32: what is larger cannot be trained on."""

Floats = npt.NDArray[np.float64]


def parse(text: str) -> float | None:
    """The number that `text` says, which may be infinite; None if it says none."""
    try:
        # Python reads 1_000 as a number; elsewhere it is a name.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def is_numeric(values: list[str]) -> bool:
    """Whether all values are numbers."""
    return all(parse(value) is not None for value in values)


def numbers(rows: Rows, name: str) -> Floats:
    """A column of numbers, shape (rows,). Raises DataError for text, and for what is too large for float32."""
    parsed = [parse(value) for value in rows.column(name)]
    if None in parsed:
        row = parsed.index(None)
        raise DataError(f"{rows.place(row, name)}: {rows.column(name)[row]!r} is not a number")
    column = np.array(parsed, dtype=np.float64)
    fits = np.abs(column) <= LARGEST
    if not fits.all():
        row = int(np.argmin(fits))
        raise DataError(f"{rows.place(row, name)}: {rows.column(name)[row]} is not a finite number in float32")
    return column


def one_hot(rows: Rows, name: str, *, named: bool) -> Floats:
    """A column of categories as columns of 0 and 1, shape (rows, categories), categories sorted.

    named: the user has named it a category. Otherwise DataError is raised where it looks like an identifier.
    """
    categories, codes = np.unique(np.array(rows.column(name)), return_inverse=True)
    different = len(categories) == len(rows.values) > FEW_ROWS
    if not named and (different or len(categories) > MOST_CATEGORIES):
        text = next(row for row, value in enumerate(rows.column(name)) if parse(value) is None)
        raise DataError(
            f"{rows.place(text, name)}: {rows.column(name)[text]!r} is not a number, and with {len(categories)} "
            f"different values in {len(rows.values)} rows the column does not hold categories either; leave it out "
            f"with data.ignore = [{name!r}]"
        )
    columns = np.zeros((len(codes), len(categories)))
    columns[np.arange(len(codes)), codes] = 1.0
    return columns


def targets(rows: Rows, name: str, task: str) -> tuple[Tensor, Task]:
    """The column to predict: int64 classes (rows,) or float64 numbers (rows, 1), as `task` says.

    "auto" makes classes of text, and of whole numbers with at most MOST_CLASSES different values. Raises DataError
    where there is a single class, or a class of a single row.
    """
    values = rows.column(name)
    if task == "regression" or (task == "auto" and not _looks_like_classes(values)):
        return torch.from_numpy(numbers(rows, name)).unsqueeze(1), Task("regression", 1, targets=(name,))
    keys: Any = numbers(rows, name) if is_numeric(values) else np.array(values)
    found, first_rows, codes, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    # As the file writes it; of "1" and "1.0", which are one class, the one that comes first.
    classes = tuple(values[row] for row in first_rows)
    if len(found) == 1:
        raise DataError(f"{rows.file}, column {name!r}: {classes[0]!r} is the only class; there is nothing to learn")
    if counts.min() == 1:
        rare = int(np.argmin(counts))
        raise DataError(
            f"{rows.place(int(first_rows[rare]), name)}: class {classes[rare]!r} has only this row, and "
            f"{int((counts == 1).sum())} of {len(found)} classes have one; each needs at least two. If these are "
            'numbers rather than classes, set data.task = "regression"'
        )
    return torch.from_numpy(codes.astype(np.int64)), Task("classification", len(classes), classes=classes)


def _looks_like_classes(values: list[str]) -> bool:
    if not is_numeric(values):
        return True
    different = {float(value) for value in values}
    return len(different) <= MOST_CLASSES and all(math.isfinite(v) and v.is_integer() for v in different)
