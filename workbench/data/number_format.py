"""Number formats: 1234.5, 1,234.5, 1.234,5, 1 234,5, $1,234.50 or 12 %.

A column is read as numbers if exactly one format fits all its values; if several fit, the user has to choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Literal

Decimal = Literal["auto", ".", ","]
Thousands = Literal["auto", "none", ",", ".", "'", " "]

SIGNS = "$€£¥₹₽₩%"

SPACES = str.maketrans("\u00a0\u202f\u2019", "  '")
"""Other characters for the space and the apostrophe as thousands separators."""

SEPARATORS = {".": ("", ",", "'", " "), ",": ("", ".", "'", " ")}
"""Possible thousands separators, by decimal separator."""

FEW_VALUES = 100
"""Number of values that decide whether a column holds words or amounts."""

SIGNED = re.compile(rf"([+-]?)\s*(?:([{SIGNS[:-1]}])\s*(\S.*)|(\d.*?)\s*([{SIGNS}]))")


def parse_plain(text: str) -> float | None:
    """Parses a number as Python's float does, including infinity; None if the text is not a number."""
    try:
        # Python accepts 1_000, which is a name elsewhere.
        return None if "_" in text else float(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class NumberFormat:
    """A format of numbers."""

    decimal: str = "."
    thousands: str = ""
    """The thousands separator; empty for none."""
    sign: str = ""
    """A currency sign before or after the number, or a percent sign; empty for none."""

    def parse(self, text: str) -> float | None:
        """Parses a number; None if the text is not a number in this format."""
        if self == PLAIN:
            return parse_plain(text)
        if self.sign:
            sign, body = split_sign(text)
            if sign not in ("", self.sign):
                return None
            text = body
        text = text.translate(SPACES)
        if not _pattern(self.decimal, self.thousands).fullmatch(text):
            return None
        if self.thousands:
            text = text.replace(self.thousands, "")
        return parse_plain(text.replace(self.decimal, "."))

    def parse_all(self, texts: Iterable[str]) -> list[float] | None:
        """The numbers that all texts say; None as soon as one says none."""
        if self == PLAIN:
            return plain_numbers(texts)
        numbers = []
        for text in texts:
            number = self.parse(text)
            if number is None:
                return None
            numbers.append(number)
        return numbers

    def words(self, example: str) -> str:
        """What the format is, and what it makes of an example."""
        parts = [f"{self.sign!r} beside them"] if self.sign else []
        parts += ["decimal commas"] if self.decimal == "," else []
        parts += [f"{self.thousands!r} between thousands"] if self.thousands else []
        return f"{' and '.join(parts)}: {example!r} is {self.parse(example):.15g}"


PLAIN = NumberFormat()


def formats_of(values: Iterable[str], decimal: Decimal, thousands: Thousands) -> list[NumberFormat]:
    """The formats in which all values are numbers and that differ in them; only the plain one if it fits.

    decimal and thousands: the user's settings, or "auto".
    """
    texts, allowed = set(values), allowed_formats(decimal, thousands)
    fitting = _unsigned(texts, allowed)
    if fitting:
        return fitting
    if len({split_sign(text)[0] for text in islice(texts, FEW_VALUES)} - {""}) != 1:
        return []  # mostly words: no need to check all values
    split = [split_sign(text) for text in texts]
    signs = {sign for sign, _ in split}
    # 45 % and 0.45 must not be mixed; in $5 and 5 the sign was left out once.
    if len(signs - {""}) != 1 or ("%" in signs and any(sign == "" and body != "0" for sign, body in split)):
        return []
    [sign] = signs - {""}
    found = _unsigned({body for _, body in split}, allowed)
    return [NumberFormat(one.decimal, one.thousands, sign) for one in found]


def plain_numbers(values: Iterable[str]) -> list[float] | None:
    """Parses all values in the plain format; None if one is not a number. Much faster than one by one."""
    try:
        values = list(values)
        return None if "_" in "".join(values) else list(map(float, values))
    except ValueError:
        return None


def split_sign(text: str) -> tuple[str, str]:
    """Splits off a currency or percent sign: returns the sign, empty if there is none, and the rest."""
    found = SIGNED.fullmatch(text)
    if found is None:
        return "", text
    minus, before, behind_it, number, behind = found.groups()
    return before or behind, minus + (behind_it or number)


def allowed_formats(decimal: Decimal, thousands: Thousands) -> list[NumberFormat]:
    """The formats without signs that the user's settings allow; the plain one comes first if it is allowed."""
    points = (".", ",") if decimal == "auto" else (decimal,)
    formats = []
    for point in points:
        separators = SEPARATORS[point] if thousands == "auto" else ("" if thousands == "none" else thousands,)
        formats += [NumberFormat(point, separator) for separator in separators if separator != point]
    return formats


def _unsigned(texts: set[str], allowed: list[NumberFormat]) -> list[NumberFormat]:
    found: list[NumberFormat] = []
    parsed: list[list[float]] = []
    for one in allowed:
        if (numbers := one.parse_all(texts)) is None:
            continue
        if one == PLAIN:
            return [one]
        if numbers not in parsed:  # formats that give the same numbers are not ambiguous
            found.append(one)
            parsed.append(numbers)
    return found


@lru_cache(maxsize=32)
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point, separator = re.escape(decimal), re.escape(thousands)
    whole = r"\d+"
    if thousands:
        # Groups of three digits, or of two as in India: 12,34,567.
        whole = rf"(?:[1-9]\d{{,2}}(?:{separator}\d{{3}})+|[1-9]\d?(?:{separator}\d{{2}})+{separator}\d{{3}}|\d+)"
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?")
