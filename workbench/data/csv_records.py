"""Splits the lines of a CSV or TSV file into rows, and continues after a row that cannot be split."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.errors import DataError

MOST_CHARACTERS = 2**24
"""Of a row, and of a line, where a file is not read whole: a small compressed one may hold a row without an end."""


class CsvRecords:
    """The rows of a table as csv.reader splits them; one that it cannot split is empty and has an error."""

    def __init__(self, lines: Iterable[str], file: Path, first_line: int, delimiter: str, most_characters: int) -> None:
        """first_line: the line of the file that `lines` begin with. most_characters: of a row."""
        self._lines = iter(lines)
        self._file = file
        self._first_line = first_line
        self._most_characters = most_characters
        # strict: an unclosed quote would silently swallow the rest of the file.
        self._reader = csv.reader(self._counted(), delimiter=delimiter, skipinitialspace=True, strict=True)
        self.line = first_line
        """The line that the row starts in; a quoted value may span several lines."""
        self.characters = 0
        """Of the row, as it is in the file."""
        self.error = ""
        """What is wrong with the row, and where."""
        self.failure: Exception | None = None
        """What ended the rows before the end of the file."""
        self._last_line = ""

    def __iter__(self) -> Iterator[list[str]]:
        """The values of each row, without spaces around them; none for a line of blanks alone, and for an error."""
        while self.failure is None:
            self.line, self.error, self.characters = self._first_line + self._reader.line_num, "", 0
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                row, self.error = [], f"{self._file}, line {self.line}: {_said(error)}"
                if self._first_line + self._reader.line_num > self.line + 1:  # nobody knows where the next row begins
                    self.failure = DataError(self.error)
                    return
            except Exception as error:  # of reading the lines
                self.failure = error
                return
            if row is None:
                return
            values = [value.strip() for value in row]
            # A quoted empty value is one.
            yield [] if values == [""] and not self._last_line.strip() else values

    def _counted(self) -> Iterator[str]:
        for line in self._lines:
            self._last_line = line
            self.characters += len(line)
            if self.characters > self._most_characters:
                raise DataError(
                    f"{self._file}, line {self.line}: a row with more than {self._most_characters:,} characters; a "
                    "quote may be unclosed"
                )
            yield line


def fields_of(line: str, delimiter: str) -> list[str]:
    """The fields of a line; none where it cannot be split, which reading it as a row reports."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _said(error: csv.Error) -> str:
    if "field limit" not in str(error):
        return str(error)
    return (
        f"a value with more than {csv.field_size_limit():,} characters; a quote may be unclosed, or data.delimiter "
        "must name another separator"
    )
