"""Converts columns of text to numbers: numeric columns and one-hot categories."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import numpy.typing as npt

from workbench.data.delimited import Rows
from workbench.data.number_format import (
    PLAIN,
    Decimal,
    NumberFormat,
    Thousands,
    allowed_formats,
    formats_of,
    parse_plain,
)
from workbench.errors import DataError

FEW_ROWS = 50
"""In a table with at most this many rows, a category may have a different value in each row."""

MOST_CATEGORIES = 1000
"""A column with more different words is an identifier or free text, unless data.categorical names it."""

MOST_CODES = 20
"""A column with at most this many different codes with leading zeros is categorical."""

LARGEST = float(np.finfo(np.float32).max)
"""Training uses float32, which cannot represent larger numbers."""

BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
"""Pairs of words whose upper and lower case mean the same."""

LEADING_ZERO = re.compile(r"^[+-]?0\d+$", re.MULTILINE)
GROUPED = re.compile(r"[+-]?[1-9]\d{,2}(\.\d{3})+")

Floats = npt.NDArray[np.float64]
ZerosAndOnes = npt.NDArray[np.bool_]


class Formats:
    """The number formats of a file's columns."""

    def __init__(self, rows: Rows, names: list[str], decimal: Decimal, thousands: Thousands) -> None:
        """Detects the formats of the columns `names`; decimal and thousands are the user's settings."""
        self._rows = rows
        self._allowed = allowed_formats(decimal, thousands)
        self._found = {name: formats_of(rows.column(name), decimal, thousands) for name in names}
        clear = [found[0].decimal for found in self._found.values() if len(found) == 1 and found != [PLAIN]]
        auto = decimal == thousands == "auto"
        self._decimal_comma = auto and "," in clear and "." not in clear and not self._has_decimal_point()
        """Whether the file certainly uses decimal commas."""

    def of(self, name: str) -> NumberFormat | None:
        """The number format of a column; None if some of its values are not numbers.

        Raises DataError if the format is ambiguous.
        """
        found = self._found[name]
        if self._decimal_comma and found == [PLAIN]:
            dotted = [value for value in self._rows.column(name) if "." in value]
            if dotted and all(GROUPED.fullmatch(value) for value in dotted):
                found = [PLAIN, NumberFormat(",", ".")]
        if len(found) < 2:
            return found[0] if found else None
        if PLAIN not in found and (self._decimal_comma or self._rows.delimiter == ","):
            # If commas separate the fields, they are not decimal commas unless another column shows it.
            return next(one for one in found if (one.decimal == ",") == self._decimal_comma)
        first, second = found[:2]
        values = self._rows.column(name)
        row = next(row for row, value in enumerate(values) if first.parse(value) != second.parse(value))
        raise DataError(
            f"{self._rows.place(row, name)}: {values[row]!r} may be {first.parse(values[row]):.15g} or "
            f"{second.parse(values[row]):.15g}; set data.decimal (the decimal separator) or data.thousands"
        )

    def _has_decimal_point(self) -> bool:
        """Whether a column of plain numbers contains a point that cannot be a thousands separator."""
        plain = [name for name, found in self._found.items() if found == [PLAIN]]
        return any("." in value and not GROUPED.fullmatch(value) for name in plain for value in self._rows.column(name))

    def most_common(self, name: str) -> NumberFormat:
        """The format in which most values of a column are numbers; the others are errors."""
        counts = Counter(self._rows.column(name))

        def numbers_in(one: NumberFormat) -> int:
            return sum(times for value, times in counts.items() if one.parse(value) is not None)

        return max(self._allowed, key=numbers_in)

    def first_word(self, name: str) -> int:
        """The row of the first value that is not a number."""
        most_common = self.most_common(name)
        return next(row for row, value in enumerate(self._rows.column(name)) if most_common.parse(value) is None)


def format_notes(rows: Rows, name: str, format: NumberFormat | None) -> list[str]:
    """Returns a note on how numbers were read, if some are not in the plain format."""
    if format is None or format == PLAIN:
        return []
    formatted = {value for value in rows.column(name) if format.parse(value) != parse_plain(value)}
    if not formatted:
        return []
    example = max(sorted(formatted), key=lambda value: ((format.parse(value) or 0.0) % 1 != 0, len(value)))
    return [
        f"column {name!r} is read as numbers with {format.words(example)}; data.decimal and data.thousands change this"
    ]


def numbers(rows: Rows, name: str, format: NumberFormat) -> Floats:
    """Parses a numeric column, shape (rows,). Raises DataError for text and for numbers too large for float32."""
    values = rows.column(name)
    parsed = format.parse_all(values)
    if parsed is None:
        row = next(row for row, value in enumerate(values) if format.parse(value) is None)
        raise DataError(f"{rows.place(row, name)}: {values[row]!r} is not a number")
    column = np.array(parsed, dtype=np.float64)
    fits = np.abs(column) <= LARGEST
    if not fits.all():
        row = int(np.argmin(fits))
        raise DataError(f"{rows.place(row, name)}: {values[row]} is not a finite number in float32")
    return column


def has_leading_zeros(values: list[str]) -> bool:
    """Whether some values are codes such as 01234, which a number would not preserve."""
    return LEADING_ZERO.search("\n".join(values)) is not None


def same_case(values: list[str]) -> list[str]:
    """Makes True, TRUE and true one word, the first that occurs; words other than booleans stay as they are."""
    if not any({value.casefold() for value in set(values)} <= pair for pair in BOOLEANS):
        return values
    first: dict[str, str] = {}
    return [first.setdefault(value.casefold(), value) for value in values]


def one_hot(rows: Rows, name: str, word: int | None) -> tuple[ZerosAndOnes, tuple[str, ...]]:
    """One-hot encodes a column: zeros and ones of shape (rows, categories), and the sorted categories.

    word: the row of the first value that is not a number, if that is the only reason to read the column as categories;
    else None. Raises DataError if a column with such a word looks like an identifier.
    """
    categories, codes = np.unique(np.array(same_case(rows.column(name))), return_inverse=True)
    different = len(categories) == len(rows.values) > FEW_ROWS
    if word is not None and (different or len(categories) > MOST_CATEGORIES):
        raise DataError(
            f"{rows.place(word, name)}: {rows.value(word, name)!r} is not a number, and with {len(categories)} "
            f"different values in {len(rows.values)} rows the column does not hold categories either; leave it out "
            f"with data.ignore = [{name!r}]"
        )
    columns = np.zeros((len(codes), len(categories)), dtype=np.bool_)
    columns[np.arange(len(codes)), codes] = True
    return columns, tuple(map(str, categories))
