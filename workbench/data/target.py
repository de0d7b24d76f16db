"""The target column of a table: classes or numbers."""

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
"""A target of whole numbers with more different values is a regression, unless data.task says otherwise."""

MOST_GUESSED_CLASSES = 1000
"""With more different values, classes are refused unless data.task asks for them."""

MOST_SINGLE_CLASSES = 0.5
"""If more than this fraction of the samples are different whole numbers, classes are refused likewise."""

FEW_SAMPLES = 50
"""With at most this many samples, MOST_SINGLE_CLASSES does not apply."""

WITH_UNIT = re.compile(r"[+-]?\d[\d.,]*\s*[^\W\d_]{1,8}")
"""A number with a unit, such as 12kg or 3.5 km."""

Key = str | int | float


def implausible_classes(classes: int, samples: int) -> str:
    """Says why values are probably not classes; empty if they may be."""
    if classes > MOST_GUESSED_CLASSES or (samples > FEW_SAMPLES and classes > MOST_SINGLE_CLASSES * samples):
        return f"{classes} different values in {samples} samples are implausibly many"
    return ""


def targets(rows: Rows, name: str, task: str, formats: Formats) -> tuple[Tensor, Task, list[str]]:
    """Reads the target column: int64 classes (rows,) or float64 numbers (rows, 1), as `task` says; with notes.

    For "auto", words, codes with leading zeros, and whole numbers with at most MOST_CLASSES different values are
    classes. Raises DataError if there is a single class, a class of a single row, or if most values are numbers and
    some are not.
    """
    values = rows.column(name)
    format = formats.of(name)
    notes = format_notes(rows, name, format)
    has_codes = format == PLAIN and has_leading_zeros(values)
    doubt = 'set data.task = "regression" to predict them as numbers' if task == "auto" and has_codes else ""
    if task == "auto" and format is None:
        _refuse_broken_numbers(rows, name, formats.most_common(name))
    if task == "auto" and format is not None and not has_codes:
        different = {format.parse(value) for value in set(values)}
        whole = all(number is not None and number.is_integer() for number in different)
        amounts = bool(format.sign)  # class labels have no currency sign
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
        column = numbers(rows, name, format or formats.most_common(name))
        return torch.from_numpy(column).unsqueeze(1), Task("regression", 1, targets=(name,), doubt=doubt), notes
    keys: Sequence[Key] = same_case(values)
    if format is not None and not has_codes and all(map(math.isfinite, format.parse_all(set(values)) or ())):
        keys = [_exact(value, format) for value in values]
    codes, classes = _classes(rows, name, keys, guessed=task == "auto")
    notes += _case_notes(name, values, keys, classes)
    return codes, Task("classification", len(classes), classes=classes, targets=(name,), doubt=doubt), notes


def _exact(value: str, format: NumberFormat) -> int | float:
    """Parses a number exactly: as int for whole numbers of any length."""
    try:
        return int(value)
    except ValueError:
        number = format.parse(value)
        assert number is not None
        return number


def _classes(rows: Rows, name: str, keys: Sequence[Key], *, guessed: bool) -> tuple[Tensor, tuple[str, ...]]:
    """Returns class numbers, int64 (rows,), and the names: each as it first occurs in the file."""
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
            f"{rows.file}, column {name!r} has {len(found)} different values such as {classes[0]!r}, too many to guess "
            'that they are classes; set data.task = "classification" if they are'
        )
    alone = [key for key in found if counts[key] == 1]
    if alone:
        row = first_rows[alone[0]]
        raise DataError(
            f"{rows.place(row, name)}: class {values[row]!r} has only this row; {len(alone)} of {len(found)} classes "
            "have a single row, and each needs at least two. If these are numbers rather than classes, set "
            'data.task = "regression"'
        )
    numbered = {key: number for number, key in enumerate(found)}
    return torch.tensor([numbered[key] for key in keys], dtype=torch.int64), classes


def _case_notes(name: str, values: list[str], keys: Sequence[Key], classes: tuple[str, ...]) -> list[str]:
    """Returns notes on booleans that were merged despite their case, and on classes that differ only in case."""
    if keys != values and isinstance(keys[0], str):
        words = ", ".join(map(repr, sorted(set(values))))
        return [f"column {name!r}: {words} are {len(classes)} classes; upper and lower case are the same"]
    folded: dict[str, list[str]] = {}
    for word in classes:
        folded.setdefault(word.casefold(), []).append(word)
    alike = [words for words in folded.values() if len(words) > 1]
    return [f"column {name!r}: classes {' and '.join(map(repr, words))} differ only in case" for words in alike[:3]]


def _refuse_broken_numbers(rows: Rows, name: str, format: NumberFormat) -> None:
    """Raises DataError if most values are numbers or amounts and some cannot be parsed: these are not classes."""
    values = rows.column(name)
    counts = Counter(values)
    parsed = {value: format.parse(value) for value in counts}
    read = sum(counts[value] for value, number in parsed.items() if number is not None)
    few = len(counts) <= MOST_CLASSES and all(number is None or number.is_integer() for number in parsed.values())
    unread = next(row for row, value in enumerate(values) if parsed[value] is None)
    classes = 'set data.task = "classification" if all values are classes'
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
            f"{rows.place(unread, name)}: {values[unread]!r} looks like {what}, like most values of the target, but "
            f"cannot be read as a number; leave only the number in the file, or {classes}"
        )
