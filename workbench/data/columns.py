"""Columns of text made into numbers: measures and categories."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.data.delimited import Rows
from workbench.data.number_format import PLAIN, Decimal, NumberFormat, Thousands, formats_of, parse_plain
from workbench.errors import DataError

FEW_ROWS = 50
"""In a table of so few rows, a category may well have a different value in each."""

MOST_CATEGORIES = 1000
"""A column with more different words than this is an identifier or free text, unless it is named a category."""

MOST_CODES = 20
"""A column of codes with leading zeros is a category if it has at most so many different ones."""

LARGEST = float(np.finfo(np.float32).max)
"""Training is in float32: what is larger cannot be trained on."""

BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
"""Pairs of words that mean the same whatever the case of their letters."""

LEADING_ZERO = re.compile(r"[+-]?0\d+")
GROUPED = re.compile(r"[+-]?[1-9]\d{,2}(\.\d{3})+")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Formats:
    """How the numbers of a file are written."""

    decimal: Decimal
    """As the user has set it."""
    thousands: Thousands
    decimal_comma: bool = False
    """Whether columns of the file have decimal commas without a doubt."""

    @classmethod
    def look(cls, rows: Rows, names: list[str], decimal: Decimal, thousands: Thousands) -> Formats:
        """Looks through the columns for what one of them says about all."""
        auto = decimal == thousands == "auto"
        found = [formats_of(rows.column(name), decimal, thousands) for name in names] if auto else []
        clear = [formats[0].decimal for formats in found if len(formats) == 1 and formats != [PLAIN]]
        return cls(decimal, thousands, "," in clear and "." not in clear)

    def of(self, rows: Rows, name: str) -> NumberFormat | None:
        """How a column writes its numbers; None if it holds others values than numbers.

        Raises DataError where it may be read in two ways.
        """
        values = rows.column(name)
        found = formats_of(values, self.decimal, self.thousands)
        if self.decimal_comma and found == [PLAIN]:
            dotted = [value for value in values if "." in value]
            if dotted and all(GROUPED.fullmatch(value) for value in dotted):
                found = [PLAIN, NumberFormat(",", ".")]
        if len(found) < 2:
            return found[0] if found else None
        if PLAIN not in found and (self.decimal_comma or rows.delimiter == ","):
            # Where commas separate the fields, they are no decimal commas unless others show it.
            return next(one for one in found if (one.decimal == ",") == self.decimal_comma)
        first, second = found[:2]
        row = next(row for row, value in enumerate(values) if first.parse(value) != second.parse(value))
        raise DataError(
            f"{rows.place(row, name)}: {values[row]!r} may be {first.parse(values[row]):.15g} or "
            f"{second.parse(values[row]):.15g}; set data.decimal, the sign before fractions, or data.thousands"
        )

    def nearest(self, values: list[str]) -> NumberFormat:
        """The format in which most of the values are numbers: what the others break."""
        formats = [PLAIN, NumberFormat(".", ","), NumberFormat(",", "."), NumberFormat(",", "")]
        return max(formats, key=lambda one: sum(one.parse(value) is not None for value in values))


def format_note(rows: Rows, name: str, written: NumberFormat) -> str:
    """Tells how numbers were read that are not written in the plain way."""
    values = rows.column(name)
    example = max(values, key=lambda value: (written.parse(value) != parse_plain(value), len(value)))
    return (
        f"column {name!r} is read as numbers with {written.words(example)}; data.decimal and data.thousands say "
        "otherwise"
    )


def numbers(rows: Rows, name: str, written: NumberFormat) -> Floats:
    """A column of numbers, shape (rows,). Raises DataError for text, and for what is too large for float32."""
    parsed = [written.parse(value) for value in rows.column(name)]
    if None in parsed:
        row = parsed.index(None)
        raise DataError(f"{rows.place(row, name)}: {rows.column(name)[row]!r} is not a number")
    column = np.array(parsed, dtype=np.float64)
    fits = np.abs(column) <= LARGEST
    if not fits.all():
        row = int(np.argmin(fits))
        raise DataError(f"{rows.place(row, name)}: {rows.column(name)[row]} is not a finite number in float32")
    return column


def has_leading_zeros(values: list[str]) -> bool:
    """Whether some are codes like 01234, which are more than numbers."""
    return any(LEADING_ZERO.fullmatch(value) for value in values)


def same_case(values: list[str]) -> list[str]:
    """True, TRUE and true as one word, the first that occurs; other words than booleans stay as they are."""
    if not any({value.casefold() for value in set(values)} <= pair for pair in BOOLEANS):
        return values
    first: dict[str, str] = {}
    return [first.setdefault(value.casefold(), value) for value in values]


def one_hot(rows: Rows, name: str, *, named: bool) -> tuple[Floats, tuple[str, ...]]:
    """A column of categories as columns of 0 and 1, shape (rows, categories), and the categories, sorted.

    named: the user has named it a category. Otherwise DataError is raised where it looks like an identifier.
    """
    categories, codes = np.unique(np.array(same_case(rows.column(name))), return_inverse=True)
    different = len(categories) == len(rows.values) > FEW_ROWS
    if not named and (different or len(categories) > MOST_CATEGORIES):
        text = next(row for row, value in enumerate(rows.column(name)) if parse_plain(value) is None)
        raise DataError(
            f"{rows.place(text, name)}: {rows.column(name)[text]!r} is not a number, and with {len(categories)} "
            f"different values in {len(rows.values)} rows the column does not hold categories either; leave it out "
            f"with data.ignore = [{name!r}]"
        )
    columns = np.zeros((len(codes), len(categories)))
    columns[np.arange(len(codes)), codes] = 1.0
    return columns, tuple(map(str, categories))
