"""Reads the folder of Lightning's CSVLogger: metrics.csv, a row a time it logs, and hparams.yaml."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from workbench.files import open_regular, read_small
from workbench.foreign_logs.log import MOST_SCALARS, Scalar, name_of, step_of
from workbench.foreign_logs.simple_yaml import read_yaml

FILE = "metrics.csv"
READ_BYTES = 2**20
"""The most that is read at once; a longer line is left out."""
REWRITE_SECONDS = 5.0
"""How long a file may have fewer rows than before until it counts as another run's: Lightning writes it anew in place.
"""


class LightningCsvLog:
    """A growing metrics.csv, read from where the last read has ended.

    A new metric makes Lightning write the whole file anew, with the same rows before it. Another run that takes its
    place is read from its beginning.
    """

    loop = "lightning_csv"
    exit_code: int | None = None

    def __init__(self, path: Path) -> None:
        """path: the folder."""
        self.path = path
        self._header = b""
        """The first line, as bytes; empty before it was read."""
        self._names: list[str] = []
        self._offset = 0
        """Bytes that were read."""
        self._rows = 0
        """Rows that were read."""
        self._first: Row = {}
        self._last_line = b""
        """The last line that was read."""
        self._last: Row = {}
        self._known_rows = 0
        """Rows of a file that was written anew, which are known already."""
        self._short_since: float | None = None
        """Since when such a file has had fewer rows than are known."""

    @property
    def name(self) -> str:
        return name_of(self.path)

    @property
    def settings(self) -> Mapping[str, Any]:
        try:
            return read_yaml(read_small(self.path / "hparams.yaml"))
        except (OSError, ValueError):
            return {}

    @property
    def is_there(self) -> bool:
        return (self.path / FILE).is_file()

    def read(self) -> list[Scalar]:
        try:
            with open_regular(self.path / FILE) as file:
                return self._read(file)
        except OSError:
            return []

    def _read(self, file: IO[bytes]) -> list[Scalar]:
        if not self._is_as_before(file) and not self._read_beginning(file):
            return []
        found: list[Scalar] = []
        while len(found) < MOST_SCALARS and (lines := self._lines(file)):
            for line in lines:
                self._offset += len(line)
                if self._known_rows:
                    if self._pass_over(line):
                        continue
                    break
                row = _row(self._names, line)
                self._rows += 1
                self._first = self._first or row
                self._last, self._last_line = row, line
                found += _scalars(row)
                if len(found) >= MOST_SCALARS:
                    break
        return found

    def _lines(self, file: IO[bytes]) -> list[bytes]:
        """The next lines that are written to their ends."""
        file.seek(self._offset)
        block = file.read(READ_BYTES)
        end = block.rfind(b"\n") + 1
        if not end and len(block) == READ_BYTES:
            self._offset += len(block)  # of a line without end
            return self._lines(file)
        lines = block[:end].splitlines(keepends=True)
        if not lines and self._known_rows:
            self._wait_for_rows()
        return lines

    def _is_as_before(self, file: IO[bytes]) -> bool:
        """Whether what was read still stands in the file."""
        if not self._header or os.fstat(file.fileno()).st_size < self._offset:
            return False
        if file.read(len(self._header)) != self._header:
            return False
        file.seek(self._offset - len(self._last_line))
        return bool(self._known_rows) or file.read(len(self._last_line)) == self._last_line

    def _read_beginning(self, file: IO[bytes]) -> bool:
        """Reads the header, and decides whether known rows follow; False if they are not in the file yet."""
        file.seek(0)
        header, first = file.readline(READ_BYTES), file.readline(READ_BYTES)
        if not header.endswith(b"\n") or (self._rows and not first.endswith(b"\n")):
            return False
        names = _cells(header)
        self._header, self._names = header, names
        self._known_rows = self._rows
        self._start_over()
        if self._rows and _row(names, first) != self._first:
            self._forget()
        return True

    def _pass_over(self, line: bytes) -> bool:
        """Passes over a known row. The last one shows whether they are the same rows: False if all are read again."""
        self._known_rows -= 1
        if self._known_rows:
            return True
        self._short_since = None
        if _row(self._names, line) == self._last:
            self._last_line = line
            return True
        self._start_over()
        self._forget()
        return False

    def _wait_for_rows(self) -> None:
        """The file has fewer rows than are known: after a while they are those of another run."""
        now = time.monotonic()
        self._short_since = self._short_since or now
        if now - self._short_since >= REWRITE_SECONDS:
            self._start_over()
            self._forget()

    def _start_over(self) -> None:
        self._offset, self._last_line, self._short_since = len(self._header), b"", None

    def _forget(self) -> None:
        self._rows = self._known_rows = 0
        self._first, self._last = {}, {}


Row = Mapping[str, str]
"""The cells of a row that hold anything, by the names of their columns."""


def _cells(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode(errors="replace").rstrip("\r\n")]), [])
    except csv.Error:
        return []


def _row(names: Sequence[str], line: bytes) -> Row:
    return {name: cell for name, cell in zip(names, _cells(line), strict=False) if name and cell}


def _scalars(row: Row) -> list[Scalar]:
    """The numbers of a row, the epoch first: the others are of it."""
    numbers = {name: value for name, text in row.items() if (value := _number(text)) is not None}
    step = step_of(numbers.pop("step", -1.0))
    if step is None:
        return []
    ordered = {name: numbers[name] for name in ("epoch", *numbers) if name in numbers}
    return [Scalar(name, step, value) for name, value in ordered.items()]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
