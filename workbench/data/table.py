"""A table from a CSV or TSV file: numbers as they are, categories as a column of 0 and 1 each.

Nothing is standardised here: that is measured later, on the training split alone.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from workbench.data.columns import Floats, is_numeric, numbers, one_hot, parse, targets
from workbench.data.delimited import Rows, read_rows, without_missing
from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError


def table(
    file: Path,
    target: str,
    task: Literal["auto", "classification", "regression"],
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
    ignore: tuple[str, ...],
    delimiter: Literal["auto", ",", "\t", ";", "|"],
    missing: Literal["error", "drop"],
) -> Samples:
    """The rows of a CSV or TSV file with a header: float64 inputs (rows, columns), numbers first, then categories.

    target: the column to predict; see `columns.targets` for `task`. Columns named in neither `numeric` nor
    `categorical` are numbers if all their values are, else categories; those in `ignore` are left out. delimiter and
    missing: see `delimited.read_rows` and `delimited.without_missing`.

    Raises DataError, with file, line and column, for anything that cannot be trained on.
    """
    rows = read_rows(file, delimiter)
    _check_names(rows, target, numeric, categorical, ignore)
    names = [name for name in rows.header if name != target and name not in ignore]
    if not names:
        raise DataError(f"{file} has no column to learn from besides the target {target!r}")
    if not rows.values:
        raise DataError(f"{file} has no rows under its header")
    rows = without_missing(rows, [*names, target], missing)
    if not rows.values:
        raise DataError(f"{file} has no rows without missing values; name the emptiest columns in data.ignore")

    columns: list[Floats] = []
    categories: list[Floats] = []
    notes: list[str] = []
    for name in names:
        if name in numeric or (name not in categorical and is_numeric(rows.column(name))):
            columns.append(numbers(rows, name)[:, None])
        else:
            categories.append(one_hot(rows, name, named=name in categorical))
            if name not in categorical:
                notes.append(_read_as_categories(rows, name, categories[-1].shape[1]))
    inputs = torch.from_numpy(np.concatenate(columns + categories, axis=1))
    numbers_or_classes, posed = targets(rows, target, task)
    return Samples(InMemory(inputs, numbers_or_classes), posed, kind="table", notes=(*rows.notes, *notes))


def _read_as_categories(rows: Rows, name: str, count: int) -> str:
    """Tells which value made it so: of a thousand numbers with one typing error nobody wants a category each."""
    values = rows.column(name)
    row = next(row for row, value in enumerate(values) if parse(value) is None)
    return f"column {name!r} is read as {count} categories, as line {rows.lines[row]} holds {values[row]!r}"


def _check_names(
    rows: Rows, target: str, numeric: tuple[str, ...], categorical: tuple[str, ...], ignore: tuple[str, ...]
) -> None:
    lists = {"data.target": (target,), "data.numeric": numeric, "data.categorical": categorical, "data.ignore": ignore}
    named_in: dict[str, str] = {}
    for setting, names in lists.items():
        for name in names:
            if name not in rows.header:
                close = get_close_matches(name, rows.header, n=1)
                nearest = f", perhaps {close[0]!r}" if close else ""
                there = ", ".join(map(repr, rows.header))
                raise DataError(f"{setting}: {rows.file} has no column {name!r}{nearest}; it has {there}")
            if named_in.setdefault(name, setting) != setting:
                raise DataError(f"column {name!r} is named both in {named_in[name]} and in {setting}")
