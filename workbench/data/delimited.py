"""Reading a CSV or TSV file as text: its header, its rows and where each of them stands."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import DataError
from workbench.files import open_regular

DELIMITERS = (",", "\t", ";", "|")

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "?"})
"""What stands for a missing value, whatever the case of its letters."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file below its header; values are stripped of spaces around them."""

    file: Path
    header: list[str]
    values: list[list[str]]
    lines: list[int]
    """The line each row starts in; a quoted value may go over several."""
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> list[str]:
        """The values of a column, row by row."""
        index = self.header.index(name)
        return [row[index] for row in self.values]

    def place(self, row: int, name: str) -> str:
        """Where a value stands, for messages."""
        return f"{self.file}, line {self.lines[row]}, column {name!r}"


def read_rows(file: Path, delimiter: str) -> Rows:
    """All rows of a file in UTF-8 with a header; empty lines are skipped.

    delimiter: what separates two values, or "auto" for what gives the header most columns. Columns without a name
    are left out, with a note. Raises DataError with the line where the file is not such a table.
    """
    text = _read_text(file)
    if delimiter == "auto":
        delimiter = _likely_delimiter(text)
    header: list[str] = []
    values: list[list[str]] = []
    lines: list[int] = []
    # strict: a quote that is never closed would swallow the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for fields in reader:
            row = [field.strip() for field in fields]
            if row == [] or row == [""]:
                pass
            elif not header:
                header = row
            elif len(row) != len(header):
                raise DataError(
                    f"{file}, line {line}: {len(row)} fields, but the header has {len(header)} "
                    f"(separated by {delimiter!r}, which data.delimiter sets)"
                )
            else:
                values.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}, line {line}: {error}") from error
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(f"{file}, line 1: more than one column is called {', '.join(map(repr, twice))}")
    return _without_nameless(Rows(file, header, values, lines))


def without_missing(rows: Rows, names: list[str], missing: str) -> Rows:
    """The rows that have a value in each of the columns `names`.

    Where some have not, missing = "drop" leaves them out, with a note; "error" raises DataError.
    """
    columns = [(rows.header.index(name), name) for name in names]
    gaps = [
        (row, name)
        for row, values in enumerate(rows.values)
        for index, name in columns
        if values[index].lower() in MISSING
    ]
    if not gaps:
        return rows
    broken = {row for row, _ in gaps}
    if missing == "error":
        first, name = gaps[0]
        raise DataError(
            f"{rows.place(first, name)}: the first of {len(gaps)} missing values in {len(broken)} of "
            f'{len(rows.values)} rows; fill them in, set data.missing = "drop" to leave such rows out, or name '
            "columns in data.ignore"
        )
    kept = [row for row in range(len(rows.values)) if row not in broken]
    note = f"left out {len(broken)} of {len(rows.values)} rows, which lack values"
    return Rows(
        rows.file,
        rows.header,
        [rows.values[row] for row in kept],
        [rows.lines[row] for row in kept],
        (*rows.notes, note),
    )


def _read_text(file: Path) -> str:
    try:
        with open_regular(file) as opened:
            content = opened.read()
    except FileNotFoundError as error:
        raise DataError(f"{file} is not there; data.file must name a CSV or TSV file") from error
    except IsADirectoryError as error:
        raise DataError(f"{file} is a folder; data.file must name a CSV or TSV file") from error
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{file}, line {line}: not UTF-8; save the file in that encoding") from error
    if not text.strip():
        raise DataError(f"{file} is empty")
    return text


def _likely_delimiter(text: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    # The first of equals: a header of one column has none, and is read as if by commas.
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter))))


def _without_nameless(rows: Rows) -> Rows:
    """Leaves out columns without a name: row numbers that some program has added, or an empty column at the end."""
    named = [index for index, name in enumerate(rows.header) if name]
    count = len(rows.header) - len(named)
    if not count:
        return rows
    values = [[row[index] for index in named] for row in rows.values]
    note = f"left out {count} {'column' if count == 1 else 'columns'} without a name"
    return Rows(rows.file, [rows.header[index] for index in named], values, rows.lines, (*rows.notes, note))
