"""Reads a CSV or TSV file as text: its header, its rows, and the line number of each row."""

from __future__ import annotations

import codecs
import io
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

from workbench.data.csv_records import MOST_CHARACTERS, CsvRecords, fields_of
from workbench.data.file_types import gunzip, other_type
from workbench.data.number_format import parse_plain
from workbench.data.whole_file import free_bytes, most_bytes, read_whole
from workbench.errors import DataError

DELIMITERS = (",", "\t", ";", "|")

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""Excel's first line, which names the delimiter."""

MOST_LINES_ABOVE = 1000
"""The header must be within this many lines."""

ROWS_IN_HEAD = 2
"""Lines that do not begin with # and suffice to find the header: `sep=` or the header, and what is below it."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file below its header, with spaces stripped from the values."""

    file: Path
    header: list[str]
    values: list[list[str]]
    lines: list[int]
    """The line that each row starts in; a quoted value may span several lines."""
    delimiter: str = ","
    notes: tuple[str, ...] = ()
    errors: dict[int, str] = field(default_factory=dict)
    """What is wrong with rows that cannot be read, by their number here; their values are empty."""

    def column(self, name: str) -> list[str]:
        """The values of a column, row by row."""
        index = self.header.index(name)
        return [row[index] for row in self.values]

    def value(self, row: int, name: str) -> str:
        """One value."""
        return self.values[row][self.header.index(name)]

    def place(self, row: int, name: str) -> str:
        """The place of a value, for messages."""
        return f"{self.file}, line {self.lines[row]}, column {name!r}"

    @property
    def origin(self) -> Callable[[int], str]:
        """Says where the row of a number comes from."""
        lines = array("q", self.lines)  # a quarter of the list's memory, as long as samples are kept
        return lambda row: f"line {lines[row]}"

    def only(self, rows: list[int]) -> Rows:
        """The rows with these numbers."""
        return replace(self, values=[self.values[row] for row in rows], lines=[self.lines[row] for row in rows])

    @property
    def header_looks_like_values(self) -> bool:
        """Whether the header contains numbers, as a row of values would."""
        return any(parse_plain(name) is not None for name in self.header if name)


def read_rows(file: Path, delimiter: str) -> Rows:
    """Reads all rows of a file with a header, in UTF-8 or UTF-16, optionally gzipped.

    Lines of blanks alone are skipped; a quoted empty value is a row.
    delimiter: the separator of two values; "auto" takes the one that Excel's `sep=` line names, else the one that gives
    the header the most columns. Comment lines above the header and columns without a name are left out, with a note.
    Raises DataError with the line number if the file is not such a table.
    """
    return rows_of(_read_text(file), file, delimiter)


def rows_of(text: str, file: Path, delimiter: str) -> Rows:
    """The rows of a file that has been read, see `read_rows`; its line ends are those of the file."""
    return next(row_parts(io.StringIO(text, newline=""), file, delimiter, sys.maxsize))


def row_parts(
    source: Iterable[str],
    file: Path,
    delimiter: str,
    most: int,
    names: Sequence[str] | None = None,
    *,
    keeps_broken: bool = False,
) -> Iterator[Rows]:
    """The rows of a table, at most `most` at a time; at least one part, empty where there are no rows.

    source: its lines with their ends, as a file opened with newline="" gives them. names: the columns of a file
    without a header: one whose first row is of numbers then. keeps_broken: whether a row that cannot be read is in
    `Rows.errors`, and rows come before what ends the reading, instead of ending all with DataError. See `read_rows` for
    the rest.
    """
    lines = iter(source)
    most_characters = MOST_CHARACTERS if keeps_broken else sys.maxsize
    # Split as csv.reader splits lines; only the first ones, because comments are not longer.
    head = _head(lines, most_characters)
    bare = [line.rstrip("\r\n") for line in head]
    skipped, named, notes = _above_the_header(bare)
    if delimiter == "auto":
        delimiter = named or _likely_delimiter(next((line for line in bare[skipped:] if line.strip()), ""))
    records = CsvRecords(chain(head[skipped:], lines), file, 1 + skipped, delimiter, most_characters)
    header: list[str] = []
    part = Rows(file, header, [], [], delimiter, tuple(notes))
    is_first, header_line, characters = True, 0, 0
    for row in records:
        line, error = records.line, records.error
        if not header and not error:
            if row in ([], [""]):
                continue
            without = names is not None and len(row) == len(names) and _are_numbers(row)
            header, header_line = list(names or ()) if without else row, line
            _check_header(header, file, line)
            part = replace(part, header=header)
            if not without:
                continue
        if not row and not error:
            continue
        if not error and len(row) != len(header):
            where = "" if header_line == 1 else f", line {header_line},"
            error = (
                f"{file}, line {line}: {len(row)} fields, but the header{where} has {len(header)} (separated by "
                f"{delimiter!r}, which data.delimiter sets)"
            )
        if error:
            if not header or not keeps_broken:
                raise DataError(error)
            part.errors[len(part.values)] = error
            row = [""] * len(header)
        part.values.append(row)
        part.lines.append(line)
        characters += records.characters
        if len(part.values) >= most or characters > most_characters:
            yield _drop_unnamed(part)
            part, is_first, characters = replace(part, values=[], lines=[], errors={}), False, 0
    if records.failure and not keeps_broken:
        raise records.failure
    if part.values or (is_first and not records.failure):
        yield _drop_unnamed(part)
    if records.failure:
        raise records.failure


def _head(lines: Iterator[str], most_characters: int) -> list[str]:
    """The first lines, with all comments, the header, and a row below it."""
    head: list[str] = []
    characters = rows = 0
    for line in islice(lines, MOST_LINES_ABOVE):
        head.append(line)
        characters += len(line)
        rows += bool(line.strip()) and not line.startswith("#")
        if rows == ROWS_IN_HEAD or characters > most_characters:
            break
    return head


def _are_numbers(row: list[str]) -> bool:
    return all(parse_plain(value) is not None for value in row)


def _check_header(header: list[str], file: Path, line: int) -> None:
    """Raises DataError for a name that two columns have."""
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        looks_like_values = Rows(file, header, [], []).header_looks_like_values
        no_header = "; it seems to be a row of values: the file needs a header" if looks_like_values else ""
        columns = ", ".join(map(repr, twice))
        raise DataError(f"{file}, line {line}: more than one column is called {columns}{no_header}")


def _read_text(file: Path) -> str:
    free = free_bytes()
    expected, otherwise = "data.file must name a CSV or TSV file", "save it as .npz, or train on a part of it"
    content = read_whole(file, free, expected=expected, otherwise=otherwise)
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gunzip(content, most_bytes(free))
        except ValueError as error:
            raise DataError(f"cannot read {file}: {error}") from error
    if what := other_type(content):
        raise DataError(f"{file} is not a CSV or TSV file: it is {what}")
    text = _decoded(file, content)
    if not text.strip():
        raise DataError(f"{file} is empty")
    return text


def _decoded(file: Path, content: bytes) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        encoding = "incomplete UTF-16" if wide else "not UTF-8"
        raise DataError(f"{file}, line {line}: {encoding}; save the file in UTF-8") from error
    if "\0" in text:
        hint = " (perhaps UTF-16 without a byte order mark)" if content[1:2] == b"\0" or content[:1] == b"\0" else ""
        raise DataError(f"{file} is not text: it contains NUL characters{hint}; save it as CSV in UTF-8")
    return text


def _above_the_header(lines: list[str]) -> tuple[int, str, list[str]]:
    """Returns the number of lines above the header, the delimiter that one of them names, and notes."""
    skipped, delimiter, comments = 0, "", 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        following = next((later for later in lines[number + 1 :] if later.strip()), "")
        if not delimiter and (separator := SEPARATOR_LINE.fullmatch(line.strip())):
            delimiter = separator[1]
        elif line.startswith("#") and not _is_header(line, following):
            comments += 1
        else:
            break
        skipped = number + 1
    if skipped >= len(lines) or not any(line.strip() for line in lines[skipped:]):
        return 0, "", []  # there are no other lines: csv.reader reports it
    lines_of = "1 comment line" if comments == 1 else f"{comments} comment lines"
    return skipped, delimiter, [f"left out {lines_of} above the header"] if comments else []


def _is_header(line: str, following: str) -> bool:
    """Whether a line that begins with # is the header: it has as many fields as the row of numbers below it."""
    delimiter = _likely_delimiter(following) if following else ","
    below, names = fields_of(following, delimiter), fields_of(line, delimiter)
    if following.startswith("#"):
        return False
    return len(names) == len(below) > 1 and any(parse_plain(field.strip()) is not None for field in below)


def _likely_delimiter(line: str) -> str:
    # Ties go to the first: a header of one column has no delimiter and is read with commas.
    return max(DELIMITERS, key=lambda delimiter: len(fields_of(line, delimiter)))


def _drop_unnamed(rows: Rows) -> Rows:
    """Leaves out columns without a name: row numbers that a program added, or an empty last column."""
    named = [index for index, name in enumerate(rows.header) if name]
    count = len(rows.header) - len(named)
    if not count:
        return rows
    values = [[row[index] for index in named] for row in rows.values]
    note = f"left out {count} {'column' if count == 1 else 'columns'} without a name"
    return replace(rows, header=[rows.header[index] for index in named], values=values, notes=(*rows.notes, note))
