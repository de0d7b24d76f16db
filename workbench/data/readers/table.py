"""Reads new rows of a table: CSV, TSV or JSON lines, as the training data was read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from workbench.data.columns import BOOLEANS, LARGEST, Floats
from workbench.data.delimited import Rows, row_parts
from workbench.data.inputs import Inputs
from workbench.data.number_format import PLAIN, NumberFormat
from workbench.data.readers.arrays import ArrayReader, ArraySample, is_arrays
from workbench.data.readers.reader import Broken, Reader
from workbench.data.readers.source import Place, Source
from workbench.data.readers.table_stream import as_lines, check_rows, is_json, json_objects, lines_of
from workbench.data.words import few
from workbench.errors import DataError
from workbench.units import counted

ROWS = 1024
"""Rows that are parsed as CSV at a time."""


@dataclass(frozen=True)
class Column:
    """A column of the table: numbers, or categories that become zeros and ones."""

    name: str
    format: NumberFormat = PLAIN
    """Of numbers."""
    categories: tuple[str, ...] = ()
    """Empty for numbers."""

    @property
    def width(self) -> int:
        """How many columns of the model's input it gives."""
        return len(self.categories) or 1

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of these columns of the input."""
        return tuple(f"{self.name}={category}" for category in self.categories) or (self.name,)

    def saved(self) -> dict[str, Any]:
        """The column as plain data."""
        if self.categories:
            return {"name": self.name, "categories": list(self.categories)}
        return {"name": self.name, "format": asdict(self.format)}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Column:
        """The column that `saved` stored."""
        return cls(saved["name"], NumberFormat(**saved.get("format", {})), tuple(saved.get("categories", ())))


@dataclass(frozen=True, slots=True)
class Row:
    """A row, with the values of the model's columns only."""

    file: Path
    line: int
    values: list[str]

    def place(self, column: str) -> str:
        """The place of a value, for messages."""
        return f"{self.file}, line {self.line}, column {column!r}"


class TableReader(Reader[Row | ArraySample]):
    """Reads rows with the columns that the model was trained on; others, such as the target, may be there or not."""

    name: ClassVar[str] = "table"

    def __init__(
        self,
        columns: Sequence[Mapping[str, Any]],
        delimiter: str = "auto",
        missing_values: Sequence[str] = ("",),
        header: str = "required",
        keeps_gaps: bool = False,
    ) -> None:
        """columns: see `Column.saved`, in the order of the model's input; delimiter: see `delimited.read_rows`.

        missing_values: exact texts that stand for a missing value. header: "required"; or "optional", where the file
        may begin with a row of numbers; or "none" where columns have no names, so that they are taken in their order.
        keeps_gaps: whether a missing value becomes NaN, which the encoding fills in; else it is an error.
        """
        self.columns = [Column.restored(column) for column in columns]
        self.delimiter = delimiter
        self.missing_values = frozenset(missing_values)
        self.header = header
        self.keeps_gaps = keeps_gaps
        self._arrays = ArrayReader({"shape": [sum(column.width for column in self.columns)], "type": "float64"})

    @classmethod
    def of_columns(
        cls, columns: Sequence[Column], delimiter: str, missing_values: Sequence[str], *, keeps_gaps: bool = False
    ) -> TableReader:
        """A reader of these columns, in the order of the model's input."""
        return cls([column.saved() for column in columns], delimiter, missing_values, keeps_gaps=keeps_gaps)

    @classmethod
    def of_numbers(cls, names: Sequence[str], *, named: bool = True) -> TableReader:
        """A reader of plain numbers. named: whether a header, where there is one, must have these names."""
        return cls([Column(name).saved() for name in names], header="optional" if named else "none")

    def arguments(self) -> dict[str, Any]:
        return {
            "columns": [column.saved() for column in self.columns],
            "delimiter": self.delimiter,
            "missing_values": sorted(self.missing_values),
            "header": self.header,
            "keeps_gaps": self.keeps_gaps,
        }

    @property
    def takes(self) -> str:
        if self.header == "none":
            return f"a table of {counted(len(self.columns), 'column')} of numbers (CSV, TSV), or {self._arrays.takes}"
        return f"a table (CSV, TSV, JSON lines) with the columns {few([column.name for column in self.columns])}"

    def items(self, source: Source) -> Iterator[tuple[Place, Row | ArraySample | Broken]]:
        if not source.is_stdin and is_arrays(source.path):
            yield from self._arrays.items(source)
            return
        if not source.is_stdin and source.path.is_dir():
            raise DataError(f"{source.name} is a folder; the model takes {self.takes}")
        for number, row in enumerate(self._rows(source), 1):
            yield {"input": source.name, "row": number}, row

    def make(self, items: Sequence[Row | ArraySample]) -> Inputs:
        """float64 (n, columns), numbers and categories in the order of training."""
        if arrays := [item for item in items if isinstance(item, ArraySample)]:
            return self._arrays.make(arrays)
        rows = [item for item in items if isinstance(item, Row)]
        parts = [
            self._made(column, rows, [row.values[index] for row in rows]) for index, column in enumerate(self.columns)
        ]
        return torch.from_numpy(np.concatenate(parts, axis=1))

    @property
    def knows_names(self) -> bool:
        """Whether the model's columns have names, by which they are found in a table."""
        return self.header != "none"

    def of(self, rows: Rows) -> list[Row]:
        """The rows of a table that has been read, with the model's columns only. Raises DataError."""
        chosen = self._chosen(rows)
        return [
            Row(rows.file, line, [row[index] for index in chosen])
            for line, row in zip(rows.lines, rows.values, strict=True)
        ]

    def _rows(self, source: Source) -> Iterator[Row | Broken]:
        if not source.is_stdin and not source.path.exists():
            raise DataError(f"{source.name} does not exist; the model takes {self.takes}")
        with as_lines(source, "a table") as text:
            if is_json(source, text):
                for line, values in json_objects(source, text):
                    yield values if isinstance(values, Broken) else self._json_row(source, line, values)
                return
            names = None if self.header == "required" else [column.name for column in self.columns]
            chosen: list[int] = []
            lines = lines_of(source, text)
            for part in row_parts(lines, source.shown, self.delimiter, ROWS, names, keeps_broken=True):
                chosen = chosen or self._chosen(part)
                check_rows(part)
                for number, (line, row) in enumerate(zip(part.lines, part.values, strict=True)):
                    error = part.errors.get(number)
                    yield Broken(error) if error else Row(part.file, line, [row[index] for index in chosen])

    def _chosen(self, rows: Rows) -> list[int]:
        """Where the model's columns are. Raises DataError where one is missing."""
        header = rows.header
        if self.header == "none":
            if len(header) != len(self.columns):
                here, wanted = counted(len(header), "column"), counted(len(self.columns), "number")
                raise DataError(f"{rows.file} has {here}, but the model takes {wanted}")
            return list(range(len(header)))
        missing = [column.name for column in self.columns if column.name not in header]
        if missing:
            close = get_close_matches(missing[0], header, n=1)
            nearest = f", perhaps {close[0]!r}" if close else ""
            values = ". These look like values: the first line must name the columns" * rows.header_looks_like_values
            raise DataError(
                f"{rows.file} lacks the column{'s' * (len(missing) > 1)} {few(missing)}{nearest}, which the model was "
                f"trained on; it has {few(header)}{values}"
            )
        return [header.index(column.name) for column in self.columns]

    def _json_row(self, source: Source, line: int, values: Mapping[str, Any]) -> Row | Broken:
        try:
            return Row(source.shown, line, [self._json_value(source, line, each, values) for each in self.columns])
        except DataError as error:
            return Broken(str(error))

    def _json_value(self, source: Source, line: int, column: Column, values: Mapping[str, Any]) -> str:
        """The value of a column as the text that a CSV file of the same format would have."""
        if column.name not in values:
            raise DataError(
                f"{source.shown}, line {line}: there is no {column.name!r}, which the model was trained on; it has "
                f"{few(list(values))}"
            )
        value = values[column.name]
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip()
        written = json.dumps(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return written.replace(".", column.format.decimal) if is_number and not column.categories else written

    def _made(self, column: Column, rows: Sequence[Row], values: list[str]) -> Floats:
        """The columns of the model's input, float64 (rows, width). Raises DataError."""
        present = [place for place, value in enumerate(values) if value not in self.missing_values]
        if len(present) == len(values):
            return self._one_hot(column, rows, values) if column.categories else self._numbers(column, rows, values)
        if not self.keeps_gaps:
            place = next(place for place, value in enumerate(values) if value in self.missing_values)
            value = values[place]
            raise DataError(f"{rows[place].place(column.name)}: the value is missing{f' ({value!r})' * bool(value)}")
        made = np.full((len(rows), column.width), np.nan)
        made[present] = self._made(column, [rows[place] for place in present], [values[place] for place in present])
        return made

    def _numbers(self, column: Column, rows: Sequence[Row], values: list[str]) -> Floats:
        parsed = column.format.parse_all(values)
        if parsed is None:
            row = next(row for row, value in enumerate(values) if column.format.parse(value) is None)
            raise DataError(f"{rows[row].place(column.name)}: {values[row]!r} is not a number{_as(column.format)}")
        numbers = np.array(parsed, dtype=np.float64)
        fits = np.abs(numbers) <= LARGEST
        if not fits.all():
            row = int(np.argmin(fits))
            raise DataError(f"{rows[row].place(column.name)}: {values[row]} is not a finite number in float32")
        return numbers[:, None]

    def _one_hot(self, column: Column, rows: Sequence[Row], values: list[str]) -> Floats:
        places = {category: place for place, category in enumerate(column.categories)}
        if any({category.casefold() for category in column.categories} <= pair for pair in BOOLEANS):
            places |= {value: places[known] for value in values for known in column.categories if same(value, known)}
        ones = np.zeros((len(values), len(column.categories)))
        for row, value in enumerate(values):
            if value not in places:
                raise DataError(
                    f"{rows[row].place(column.name)}: {value!r} is not one of the {len(column.categories)} values that "
                    f"the model was trained on: {few(column.categories)}"
                )
            ones[row, places[value]] = 1.0
        return ones


def same(one: str, other: str) -> bool:
    """Whether two words differ in upper and lower case only."""
    return one.casefold() == other.casefold()


def _as(format: NumberFormat) -> str:
    """How numbers of this format are written, for messages; empty for plain ones."""
    if format == PLAIN:
        return ""
    return f" as the training data wrote them (decimal {format.decimal!r}, thousands {format.thousands!r})"
