"""Reads new texts: text files, folders of them, columns of tables, and lines of standard input."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TextIO

from workbench.data.delimited import row_parts
from workbench.data.file_kinds import TEXTS
from workbench.data.readers.reader import Broken, Reader
from workbench.data.readers.source import Place, Source, files_of
from workbench.data.readers.table_stream import as_lines, check_rows, first_characters, json_objects, lines_of
from workbench.data.text_content import AUTO, read_text
from workbench.data.text_rows import is_json_lines, long_fields
from workbench.data.words import few
from workbench.errors import DataError
from workbench.files import is_file

TABLES = (".csv", ".tsv", ".tab")
ROWS = 256
"""Rows that are parsed as CSV at a time."""
WHOLE_BYTES = 2**26
"""A file of at most this size, decompressed, is read whole, in any encoding; a larger one line by line, in UTF-8."""


class TextReader(Reader[str | Path]):
    """Reads texts; those of a table have a column of their own."""

    name: ClassVar[str] = "texts"

    def __init__(self, column: str = "text", delimiter: str = "auto", encoding: str = AUTO) -> None:
        """column: of the texts in a table; delimiter: see `delimited.read_rows`; encoding: see `text_content`."""
        self.column = column
        self.delimiter = delimiter
        self.encoding = encoding

    def arguments(self) -> dict[str, Any]:
        return {"column": self.column, "delimiter": self.delimiter, "encoding": self.encoding}

    @property
    def takes(self) -> str:
        return (
            f"texts ({TEXTS.examples}), tables with a column {self.column!r} (CSV, TSV, JSON lines), or lines of "
            "standard input"
        )

    def items(self, source: Source) -> Iterator[tuple[Place, str | Path | Broken]]:
        if source.texts:
            yield from _numbered(source, iter(source.texts))
        elif source.is_stdin:
            yield from _numbered(source, self._lines(source))
        elif is_table(source.path) and not source.path.is_dir():
            yield from _numbered(source, self._rows(source))
        elif source.path.exists():
            yield from files_of(source, TEXTS)
        else:
            raise DataError(f"{source.name} does not exist; to predict a text itself, give it with --text")

    def make(self, items: Sequence[str | Path]) -> list[str]:
        return [item if isinstance(item, str) else read_text(item, self.encoding, "the input").text for item in items]

    def _lines(self, source: Source) -> Iterator[str | Broken]:
        """A text a line, or JSON lines where the first begins with a brace."""
        with as_lines(source, "text") as text:
            if first_characters(text).startswith("{"):
                yield from self._of_objects(source, text)
            else:
                for line in lines_of(source, text):
                    yield line.rstrip("\r\n")

    def _rows(self, source: Source) -> Iterator[str | Broken]:
        with self._opened(source) as text:
            if is_json_lines(source.path):
                yield from self._of_objects(source, text)
                return
            with long_fields():
                for part in row_parts(lines_of(source, text), source.shown, self.delimiter, ROWS, keeps_broken=True):
                    if self.column not in part.header:
                        raise self._lacks(str(part.file), part.header)
                    check_rows(part)
                    for number, content in enumerate(part.column(self.column)):
                        error = part.errors.get(number)
                        yield Broken(error) if error else content

    @contextmanager
    def _opened(self, source: Source) -> Iterator[TextIO]:
        if _is_large(source):
            with as_lines(source, "a table") as lines:
                yield lines
            return
        content = read_text(source.path, self.encoding, "the input", table=True).text
        if not content.strip():
            raise DataError(f"{source.name} is empty")
        yield io.StringIO(content, newline="")

    def _of_objects(self, source: Source, text: TextIO) -> Iterator[str | Broken]:
        for line, values in json_objects(source, text):
            if isinstance(values, Broken):
                yield values
            elif isinstance(content := values.get(self.column), str):
                yield content
            else:
                yield Broken(str(self._lacks(f"{source.shown}, line {line}", list(values))))

    def _lacks(self, where: str, header: list[str]) -> DataError:
        close = get_close_matches(self.column, header, n=1)
        nearest = f", perhaps {close[0]!r}" if close else ""
        return DataError(f"{where}: no column of texts called {self.column!r}{nearest}; it has {few(header)}")


def _is_large(source: Source) -> bool:
    """Whether a file has more than WHOLE_BYTES, decompressed if it is compressed with gzip."""
    if not is_file(source.path):
        return False
    size = 0
    try:
        with source.open_unpacked() as opened:
            while size <= WHOLE_BYTES and (part := opened.read(2**20)):
                size += len(part)
    except (OSError, EOFError, zlib.error):
        pass  # reading it says what is wrong
    return size > WHOLE_BYTES


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffixes = suffixes[:-1] if suffixes[-1:] == [".gz"] else suffixes
    return is_json_lines(path) or bool(suffixes and suffixes[-1] in TABLES)


def _numbered(source: Source, texts: Iterator[str | Broken]) -> Iterator[tuple[Place, str | Broken]]:
    for number, text in enumerate(texts, 1):
        yield {"input": source.name, "row": number}, text
