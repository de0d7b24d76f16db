"""A table from a CSV or TSV file: numeric columns as they are, categories as one column of 0 and 1 each.

Nothing is standardised here: that is measured later, on the training split alone.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from workbench.data.samples import InMemory, Samples, Task
from workbench.errors import DataError

MOST_CLASSES = 20
"""A target of whole numbers with more different values than this is taken for a regression."""
MOST_CATEGORIES = 200
"""A column with more categories than this is no category: an identifier or free text."""
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


@dataclass(frozen=True)
class _Rows:
    """The file's cells, and where each row stood."""

    file: Path
    header: list[str]
    cells: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        index = self.header.index(name)
        return [row[index] for row in self.cells]


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
    """Reads a file with a header row. inputs: float32 (rows, columns).

    Columns named neither numeric nor categorical are numeric if all their values are numbers. Raises DataError, which
    names the file, the line and the column, for anything that cannot be trained on.
    """
    rows = _read(file, delimiter)
    _check_names(rows, target, numeric, categorical, ignore)
    features = [name for name in rows.header if name != target and name not in ignore]
    if not features:
        raise DataError(f"{file} has no column to learn from beside the target {target!r}")
    rows, notes = _without_missing(rows, [*features, target], missing)
    if not rows.cells:
        raise DataError(f"{file} has no rows" + (" without missing values" if notes else " under its header"))
    columns: list[np.ndarray] = []
    one_hot: list[np.ndarray] = []
    for name in features:
        if name in numeric or (name not in categorical and _is_numeric(rows.column(name))):
            columns.append(_numbers(rows, name))
        else:
            one_hot += _categories(rows, name)
    inputs = torch.from_numpy(np.stack(columns + one_hot, axis=1).astype(np.float32))
    targets, posed = _targets(rows, target, task)
    return Samples(InMemory(inputs, targets), posed, "table", notes=notes)


def _read(file: Path, delimiter: str) -> _Rows:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not text in UTF-8 (byte {error.start}); convert it first") from None
    except IsADirectoryError:
        raise DataError(f"{file} is a folder; data.file names a CSV or TSV file") from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from None
    if not text.strip():
        raise DataError(f"{file} is empty")
    separator = _guess_delimiter(text) if delimiter == "auto" else delimiter
    reader = csv.reader(text.splitlines(), delimiter=separator, skipinitialspace=True)
    header: list[str] = []
    cells: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            stripped = [cell.strip() for cell in row]
            if not header:
                header = stripped
            elif len(stripped) != len(header):
                raise DataError(
                    f"{file}, line {reader.line_num}: {len(stripped)} fields, but the header has {len(header)} "
                    f"(separated by {separator!r}; data.delimiter sets it)"
                )
            else:
                cells.append(stripped)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num}: {error}") from None
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{file} names a column twice: {', '.join(map(repr, twice))}")
    return _Rows(file, header, cells, lines)


def _guess_delimiter(text: str) -> str:
    """The separator that the header has most of."""
    header = text.lstrip().splitlines()[0]
    return max((",", "\t", ";", "|"), key=header.count)


def _check_names(
    rows: _Rows, target: str, numeric: tuple[str, ...], categorical: tuple[str, ...], ignore: tuple[str, ...]
) -> None:
    for setting, names in (
        ("target", (target,)),
        ("numeric", numeric),
        ("categorical", categorical),
        ("ignore", ignore),
    ):
        for name in names:
            if name not in rows.header:
                close = get_close_matches(name, rows.header, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"its columns: {', '.join(rows.header)}"
                raise DataError(f"data.{setting}: {rows.file} has no column {name!r}; {hint}")
    both = set(numeric) & set(categorical)
    if both:
        raise DataError(f"{', '.join(sorted(both))}: both in data.numeric and in data.categorical")
    if target in (*numeric, *categorical, *ignore):
        raise DataError(f"the target {target!r} cannot be in data.numeric, data.categorical or data.ignore")


def _without_missing(rows: _Rows, names: list[str], missing: str) -> tuple[_Rows, tuple[str, ...]]:
    indices = [rows.header.index(name) for name in names]
    gaps = [
        (position, rows.header[index])
        for position, row in enumerate(rows.cells)
        for index in indices
        if row[index].lower() in MISSING
    ]
    if not gaps:
        return rows, ()
    broken = {position for position, _ in gaps}
    if missing == "error":
        position, name = gaps[0]
        raise DataError(
            f"{rows.file} has missing values in {len(broken)} of {len(rows.cells)} rows, the first in line "
            f'{rows.lines[position]}, column {name!r}; fill them in, or set data.missing = "drop"'
        )
    kept = [position for position in range(len(rows.cells)) if position not in broken]
    whole = _Rows(rows.file, rows.header, [rows.cells[i] for i in kept], [rows.lines[i] for i in kept])
    return whole, (f"{len(broken)} rows with missing values were left out",)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_numeric(values: list[str]) -> bool:
    return all(_number(value) is not None for value in values)


def _numbers(rows: _Rows, name: str) -> np.ndarray:
    values = []
    for text, line in zip(rows.column(name), rows.lines, strict=True):
        value = _number(text)
        if value is None:
            raise DataError(f"{rows.file}, line {line}, column {name!r}: {text!r} is not a number")
        if not math.isfinite(value) or abs(value) > np.finfo(np.float32).max:
            raise DataError(f"{rows.file}, line {line}, column {name!r}: {text} is not a finite float32")
        values.append(value)
    return np.array(values)


def _categories(rows: _Rows, name: str) -> list[np.ndarray]:
    values = np.array(rows.column(name))
    known = sorted(set(values.tolist()))
    if len(known) > MOST_CATEGORIES or (len(known) == len(values) > 50):
        raise DataError(
            f"{rows.file}, column {name!r}: {len(known)} different words in {len(values)} rows are no categories; "
            f"leave it out with data.ignore = [{name!r}]"
        )
    return [(values == category).astype(np.float64) for category in known]


def _targets(rows: _Rows, target: str, task: str) -> tuple[torch.Tensor, Task]:
    values = rows.column(target)
    if task == "regression" or (task == "auto" and not _looks_like_classes(values)):
        return torch.from_numpy(_numbers(rows, target).astype(np.float32)).unsqueeze(1), Task(
            "regression", outputs=1, targets=(target,)
        )
    names = sorted(set(values), key=lambda name: (_number(name) if _is_numeric(values) else 0.0, name))
    if len(names) < 2:
        raise DataError(f"{rows.file}, column {target!r}: only one class, {names[0]!r}; there is nothing to learn")
    if len(names) == len(values):
        raise DataError(
            f'{rows.file}, column {target!r}: every row is a class of its own; for numbers set data.task = "regression"'
        )
    numbers = {name: number for number, name in enumerate(names)}
    classes = torch.tensor([numbers[value] for value in values], dtype=torch.int64)
    return classes, Task("classification", outputs=len(names), classes=tuple(names))


def _looks_like_classes(values: list[str]) -> bool:
    numbers = [_number(value) for value in values]
    if any(number is None for number in numbers):
        return True
    whole = all(number is not None and number.is_integer() for number in numbers)
    return whole and len(set(numbers)) <= MOST_CLASSES
