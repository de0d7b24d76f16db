"""Reads a table from a CSV or TSV file: numeric columns unchanged, categories one-hot encoded.

Nothing is standardised here: that happens later, with the statistics of the training split alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from workbench.data.column_names import check_names
from workbench.data.columns import (
    MOST_CODES,
    Floats,
    Formats,
    ZerosAndOnes,
    format_notes,
    has_leading_zeros,
    numbers,
    one_hot,
)
from workbench.data.delimited import Rows, read_rows
from workbench.data.filling import Filling
from workbench.data.hints import hints
from workbench.data.imputation import Gaps, fit_imputed, gaps_note, without_gaps
from workbench.data.missing import without_missing
from workbench.data.number_format import PLAIN, Decimal, Thousands
from workbench.data.readers.table import Column, TableReader
from workbench.data.samples import InMemory, Samples
from workbench.data.standardize import Normalize
from workbench.data.target import targets
from workbench.errors import DataError

ROW_NUMBERS = re.compile(r"Unnamed: [\d.]+")
"""pandas' name for a column without a name: usually its index, written to the file once or more."""


def table(
    file: Path,
    target: str,
    task: Literal["auto", "classification", "regression"],
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
    ignore: tuple[str, ...],
    delimiter: Literal["auto", ",", "\t", ";", "|"],
    missing: Literal["error", "drop", "mean", "median"],
    missing_values: tuple[str, ...] = ("",),
    decimal: Decimal = "auto",
    thousands: Thousands = "auto",
    normalize: Normalize = "standard",
) -> Samples:
    """Reads a CSV or TSV file with a header: float64 inputs (rows, columns), numbers first, then categories.

    target: the column to predict; see `target.targets` for `task`. A column in neither `numeric` nor `categorical` is
    numeric if all its values are numbers, else categorical; columns in `ignore` are left out. delimiter: see
    `delimited.read_rows`; missing and missing_values: see `missing.without_missing` and `imputation`; decimal and
    thousands: see `number_format`; normalize: see `standardize`.

    Raises DataError, with file, line and column, for anything that cannot be trained on.
    """
    rows = read_rows(file, delimiter)
    lists = {"data.target": (target,), "data.numeric": numeric, "data.categorical": categorical, "data.ignore": ignore}
    check_names(rows, lists)
    notes = list(rows.notes)
    row_numbers = _row_numbers(rows, (target, *numeric, *categorical, *ignore))
    notes += [f"left out the column {name!r}, which holds row numbers that pandas wrote" for name in row_numbers]
    names = [name for name in rows.header if name not in (target, *ignore, *row_numbers)]
    if not names:
        raise DataError(f"{file} has no input columns besides the target {target!r}")
    if not rows.values:
        raise DataError(f"{file} has no rows below its header")
    rows, left_out = without_missing(rows, names, target, missing, missing_values)
    notes += [left_out] if left_out else []
    filling: Filling | None = missing if missing in ("mean", "median") else None
    gaps: Gaps = {}
    if filling is not None:
        rows, gaps = without_gaps(rows, names, missing_values)
        notes += [gaps_note(gaps, filling)] if gaps else []

    formats = Formats(rows, [name for name in [*names, target] if name not in categorical], decimal, thousands)
    columns: dict[str, Floats] = {}
    categories: dict[str, ZerosAndOnes] = {}
    read_as: dict[str, Column] = {}
    for name in names:
        if name in categorical:
            read_as[name] = _add_categories(categories, rows, name, None)
            continue
        format = formats.of(name)
        has_codes = format == PLAIN and name not in numeric and has_leading_zeros(rows.column(name))
        if has_codes and len(set(rows.column(name))) <= MOST_CODES:
            read_as[name] = _add_categories(categories, rows, name, None)
            notes.append(_codes_note(rows, name, read_as[name].width))
        elif format is None and name not in numeric:
            word = formats.first_word(name)
            read_as[name] = _add_categories(categories, rows, name, word)
            # The note shows a typing error that would turn a column of numbers into categories.
            holds = f"line {rows.lines[word]} holds {rows.value(word, name)!r}"
            notes.append(f"column {name!r} is read as {read_as[name].width} categories because {holds}")
        else:
            read_as[name] = Column(name, format or formats.most_common(name))
            columns[name] = numbers(rows, name, read_as[name].format)
            notes += [_codes_note(rows, name, 0)] if has_codes else format_notes(rows, name, format)
    predicted, found_task, target_notes = targets(rows, target, task, formats)
    notes += [*target_notes, *hints(rows, columns, predicted, found_task)]
    inputs = torch.from_numpy(np.stack([*columns.values(), *categories.values()], axis=1, dtype=np.float64))
    read = [read_as[name] for name in (*columns, *(name for name in names if name not in columns))]
    places = _places(read)
    for name, lacks in gaps.items():
        inputs[torch.from_numpy(lacks), places[name]] = torch.nan
    fit = None
    if filling is not None:
        words = [places[column.name] for column in read if column.categories]
        fit = partial(fit_imputed, filling=filling, names=(*columns, *categories), words=words, normalize=normalize)
    return Samples(
        InMemory(inputs, predicted),
        found_task,
        notes=tuple(notes),
        columns=(*columns, *categories),
        left_out=left_out,
        origins={"train": rows.origin},
        reader=TableReader.of_columns(
            read,
            delimiter,
            missing_values,
            keeps_gaps=fit is not None,
        ),
        fit_encoding=fit,
        has_gaps=bool(gaps),
    )


def _places(columns: Sequence[Column]) -> dict[str, slice]:
    """Where each column of the table is among those of the model's input."""
    ends = list(accumulate(column.width for column in columns))
    return {column.name: slice(end - column.width, end) for column, end in zip(columns, ends, strict=True)}


def _add_categories(categories: dict[str, ZerosAndOnes], rows: Rows, name: str, word: int | None) -> Column:
    """Adds a column for each category; returns how the column is read."""
    columns, words = one_hot(rows, name, word)
    column = Column(name, categories=words)
    categories.update(dict(zip(column.input_names, columns.T, strict=True)))
    return column


def _codes_note(rows: Rows, name: str, count: int) -> str:
    """Returns a note on how codes with leading zeros were read; count: the number of categories, 0 for numbers."""
    code = next(value for value in rows.column(name) if has_leading_zeros([value]))
    if count:
        return (
            f"column {name!r} is read as {count} categories because {code!r} with its leading zero is a code; "
            f"data.numeric = [{name!r}] makes it numeric"
        )
    return (
        f"column {name!r} is read as numbers, but {code!r} with its leading zero may be a code; "
        f"data.categorical = [{name!r}] makes it categorical"
    )


def _row_numbers(rows: Rows, named: tuple[str, ...]) -> list[str]:
    """The columns of row numbers that pandas wrote, except those that the user's settings name."""
    unnamed = [name for name in rows.header if ROW_NUMBERS.fullmatch(name) and name not in named]
    return [name for name in unnamed if _are_distinct_whole_numbers(rows.column(name))]


def _are_distinct_whole_numbers(values: list[str]) -> bool:
    return all(map(str.isdigit, values)) and len(set(values)) == len(values)
