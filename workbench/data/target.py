"""The column to predict: classes or numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from workbench.data.columns import Formats, format_notes, has_leading_zeros, numbers, same_case
from workbench.data.delimited import Rows
from workbench.data.number_format import PLAIN, NumberFormat, split_sign
from workbench.data.samples import Task
from workbench.errors import DataError

MOST_CLASSES = 20
"""A target of whole numbers with more different values than this is taken for a regression."""

MOST_GUESSED_CLASSES = 1000
"""More classes than this are only believed where the user says that they are some."""

MOST_SINGLE_CLASSES = 0.5
"""If more than this fraction of the samples are different whole numbers, they are not guessed to be classes."""

FEW_SAMPLES = 50
"""Of so few samples, classes may have one each."""

WITH_UNIT = re.compile(r"[+-]?\d[\d.,]*\s*[^\W\d_]{1,8}")
"""12kg, 3.5 km: a number and a unit."""

Key = str | int | float


def invented_classes(classes: int, samples: int) -> str:
    """Why a guess at classes is not believed, in words; empty if it may be right."""
    if classes > MOST_GUESSED_CLASSES or (samples > FEW_SAMPLES and classes > MOST_SINGLE_CLASSES * samples):
        return f"{classes} different values in {samples} samples are implausibly many"
    return ""


def targets(rows: Rows, name: str, task: str, formats: Formats) -> tuple[Tensor, Task, list[str]]:
    """The column to predict: int64 classes (rows,) or float64 numbers (rows, 1), as `task` says; and notes.

    "auto" makes classes of words, of codes with leading zeros, and of whole numbers with at most MOST_CLASSES
    different values. Raises DataError where there is a single class, a class of a single row, or where most values are
    numbers and some are not.
    """
    values = rows.column(name)
    written = formats.of(name)
    notes = format_notes(rows, name, written)
    coded = written == PLAIN and has_leading_zeros(values)
    doubt = 'set data.task = "regression" to predict them as numbers' if task == "auto" and coded else ""
    if task == "auto" and written is None:
        _refuse_broken_numbers(rows, name, formats.nearest(name))
    if task == "auto" and written is not None and not coded:
        different = {written.parse(value) for value in set(values)}
        whole = all(number is not None and number.is_integer() for number in different)
        amounts = bool(written.sign)  # nobody writes $ before a class
        task = "classification" if whole and len(different) <= MOST_CLASSES and not amounts else "regression"
        doubt = 'set data.task = "regression" to predict them as numbers' if whole else ""
        if task == "regression" and whole:
            doubt = 'set data.task = "classification" if these are classes'
        if task == "regression" and whole and not amounts:
            doubt = (
                f"{name!r} has {len(different)} different whole numbers, and more than {MOST_CLASSES} are taken for "
                'numbers to predict: if they are classes, set data.task = "classification"'
            )
    if task == "regression":
        column = numbers(rows, name, written or formats.nearest(name))
        return torch.from_numpy(column).unsqueeze(1), Task("regression", 1, targets=(name,), doubt=doubt), notes
    keys: Sequence[Key] = same_case(values)
    if written is not None and not coded and all(map(math.isfinite, written.parse_all(set(values)) or ())):
        keys = [_exact(value, written) for value in values]
    codes, classes = _classes(rows, name, keys, guessed=task == "auto")
    notes += _case_notes(name, values, keys, classes)
    return codes, Task("classification", len(classes), classes=classes, targets=(name,), doubt=doubt), notes


def _exact(value: str, written: NumberFormat) -> int | float:
    """A number that equals another only where both are the same: whole numbers of any length."""
    try:
        return int(value)
    except ValueError:
        number = written.parse(value)
        assert number is not None
        return number


def _classes(rows: Rows, name: str, keys: Sequence[Key], *, guessed: bool) -> tuple[Tensor, tuple[str, ...]]:
    """Class numbers (rows,) int64, and the names: as the file writes them where they first occur."""
    values = rows.column(name)
    counts = Counter(keys)
    found = sorted(counts)
    first_rows: dict[Key, int] = {}
    for row, key in enumerate(keys):
        first_rows.setdefault(key, row)
    classes = tuple(values[first_rows[key]] for key in found)
    if len(found) == 1:
        raise DataError(f"{rows.file}, column {name!r}: {classes[0]!r} is the only class; there is nothing to learn")
    if guessed and len(found) > MOST_GUESSED_CLASSES:
        raise DataError(
            f"{rows.file}, column {name!r} has {len(found)} different values such as {classes[0]!r}, and so many are "
            'only taken for classes with data.task = "classification"'
        )
    alone = [key for key in found if counts[key] == 1]
    if alone:
        row = first_rows[alone[0]]
        raise DataError(
            f"{rows.place(row, name)}: class {values[row]!r} has only this row, and {len(alone)} of {len(found)} "
            "classes have one; each needs at least two. If these are numbers rather than classes, set "
            'data.task = "regression"'
        )
    numbered = {key: number for number, key in enumerate(found)}
    return torch.tensor([numbered[key] for key in keys], dtype=torch.int64), classes


def _case_notes(name: str, values: list[str], keys: Sequence[Key], classes: tuple[str, ...]) -> list[str]:
    """Notes on booleans that were made one class, and on classes that perhaps ought to be one."""
    if keys != values and isinstance(keys[0], str):
        words = ", ".join(map(repr, sorted(set(values))))
        return [f"column {name!r}: {words} are {len(classes)} classes, whatever the case of their letters"]
    folded: dict[str, list[str]] = {}
    for word in classes:
        folded.setdefault(word.casefold(), []).append(word)
    alike = [words for words in folded.values() if len(words) > 1]
    return [f"column {name!r}: classes {' and '.join(map(repr, words))} differ only in case" for words in alike[:3]]


def _refuse_broken_numbers(rows: Rows, name: str, nearest: NumberFormat) -> None:
    """Raises DataError where most values are numbers or amounts, but some cannot be read: those are no classes."""
    values = rows.column(name)
    counts = Counter(values)
    parsed = {value: nearest.parse(value) for value in counts}
    read = sum(counts[value] for value, number in parsed.items() if number is not None)
    few = len(counts) <= MOST_CLASSES and all(number is None or number.is_integer() for number in parsed.values())
    unread = next(row for row, value in enumerate(values) if parsed[value] is None)
    classes = 'set data.task = "classification" if all of them are classes'
    if 2 * read >= len(values) and not few:
        raise DataError(
            f"{rows.place(unread, name)}: {values[unread]!r} is not a number, but {read} of {len(values)} values of "
            f"the target are; correct it, or {classes}"
        )
    signed = sum(counts[value] for value in counts if split_sign(value)[0])
    measured = sum(counts[value] for value in counts if WITH_UNIT.fullmatch(value))
    if 2 * signed >= len(values) or (2 * measured >= len(values) and len(counts) > MOST_CLASSES):
        what = "an amount" if 2 * signed >= len(values) else "a number with its unit"
        raise DataError(
            f"{rows.place(unread, name)}: {values[unread]!r} looks like {what}, as most values of the target do, and "
            f"cannot be read as a number; leave only the number in the file, or {classes}"
        )
