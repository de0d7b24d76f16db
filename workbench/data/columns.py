"""Columns of text made into numbers: measures and categories."""

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
"""In a table of so few rows, a category may well have a different value in each."""

MOST_CATEGORIES = 1000
"""A column with more different words than this is an identifier or free text, unless it is named a category."""

MOST_CODES = 20
"""The most different codes with leading zeros that make a column a category."""

LARGEST = float(np.finfo(np.float32).max)
"""Training is in float32: what is larger cannot be trained on."""

BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
"""Pairs of words that mean the same whatever the case of their letters."""

LEADING_ZERO = re.compile(r"^[+-]?0\d+$", re.MULTILINE)
GROUPED = re.compile(r"[+-]?[1-9]\d{,2}(\.\d{3})+")

Floats = npt.NDArray[np.float64]
ZerosAndOnes = npt.NDArray[np.bool_]


class Formats:
    """How the columns of a file write their numbers."""

    def __init__(self, rows: Rows, names: list[str], decimal: Decimal, thousands: Thousands) -> None:
        """Looks through the columns `names`; decimal and thousands are as the user has set them."""
        self._rows = rows
        self._allowed = allowed_formats(decimal, thousands)
        self._found = {name: formats_of(rows.column(name), decimal, thousands) for name in names}
        clear = [found[0].decimal for found in self._found.values() if len(found) == 1 and found != [PLAIN]]
        auto = decimal == thousands == "auto"
        self._decimal_comma = auto and "," in clear and "." not in clear and not self._has_decimal_point()
        """Whether columns of the file have decimal commas without a doubt."""

    def of(self, name: str) -> NumberFormat | None:
        """How a column writes its numbers; None if it holds other values than numbers.

        Raises DataError where it may be read in two ways.
        """
        found = self._found[name]
        if self._decimal_comma and found == [PLAIN]:
            dotted = [value for value in self._rows.column(name) if "." in value]
            if dotted and all(GROUPED.fullmatch(value) for value in dotted):
                found = [PLAIN, NumberFormat(",", ".")]
        if len(found) < 2:
            return found[0] if found else None
        if PLAIN not in found and (self._decimal_comma or self._rows.delimiter == ","):
            # Where commas separate the fields, they are no decimal commas unless others show it.
            return next(one for one in found if (one.decimal == ",") == self._decimal_comma)
        first, second = found[:2]
        values = self._rows.column(name)
        row = next(row for row, value in enumerate(values) if first.parse(value) != second.parse(value))
        raise DataError(
            f"{self._rows.place(row, name)}: {values[row]!r} may be {first.parse(values[row]):.15g} or "
            f"{second.parse(values[row]):.15g}; set data.decimal, the sign before fractions, or data.thousands"
        )

    def _has_decimal_point(self) -> bool:
        """Whether a column of plain numbers holds a point that cannot stand between thousands."""
        plain = [name for name, found in self._found.items() if found == [PLAIN]]
        return any("." in value and not GROUPED.fullmatch(value) for name in plain for value in self._rows.column(name))

    def nearest(self, name: str) -> NumberFormat:
        """The format in which most values of a column are numbers: what the others break."""
        counts = Counter(self._rows.column(name))

        def numbers_in(one: NumberFormat) -> int:
            return sum(times for value, times in counts.items() if one.parse(value) is not None)

        return max(self._allowed, key=numbers_in)

    def first_word(self, name: str) -> int:
        """The row of the first value that makes it a column of words."""
        nearest = self.nearest(name)
        return next(row for row, value in enumerate(self._rows.column(name)) if nearest.parse(value) is None)


def format_notes(rows: Rows, name: str, written: NumberFormat | None) -> list[str]:
    """Notes on how numbers were read, where some are not written in the plain way."""
    if written is None or written == PLAIN:
        return []
    unlike = {value for value in rows.column(name) if written.parse(value) != parse_plain(value)}
    if not unlike:
        return []
    example = max(sorted(unlike), key=lambda value: ((written.parse(value) or 0.0) % 1 != 0, len(value)))
    return [
        f"column {name!r} is read as numbers with {written.words(example)}; data.decimal and data.thousands change that"
    ]


def numbers(rows: Rows, name: str, written: NumberFormat) -> Floats:
    """A column of numbers, shape (rows,). Raises DataError for text, and for what is too large for float32."""
    values = rows.column(name)
    parsed = written.parse_all(values)
    if parsed is None:
        row = next(row for row, value in enumerate(values) if written.parse(value) is None)
        raise DataError(f"{rows.place(row, name)}: {values[row]!r} is not a number")
    column = np.array(parsed, dtype=np.float64)
    fits = np.abs(column) <= LARGEST
    if not fits.all():
        row = int(np.argmin(fits))
        raise DataError(f"{rows.place(row, name)}: {values[row]} is not a finite number in float32")
    return column


def has_leading_zeros(values: list[str]) -> bool:
    """Whether some are codes like 01234, which are more than numbers."""
    return LEADING_ZERO.search("\n".join(values)) is not None


def same_case(values: list[str]) -> list[str]:
    """True, TRUE and true as one word, the first that occurs; other words than booleans stay as they are."""
    if not any({value.casefold() for value in set(values)} <= pair for pair in BOOLEANS):
        return values
    first: dict[str, str] = {}
    return [first.setdefault(value.casefold(), value) for value in values]


def one_hot(rows: Rows, name: str, word: int | None) -> tuple[ZerosAndOnes, tuple[str, ...]]:
    """A column of categories as columns of 0 and 1, shape (rows, categories), and the categories, sorted.

    word: the row of a value that is no number, where that alone makes it a category; None where there is another
    reason. DataError is raised where it looks like an identifier then.
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
