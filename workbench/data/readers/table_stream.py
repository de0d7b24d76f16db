"""Reads a table row by row: CSV, TSV or JSON lines, from a file or from standard input, compressed or not."""

from __future__ import annotations

import codecs
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TextIO

from workbench.data.csv_records import MOST_CHARACTERS
from workbench.data.delimited import Rows
from workbench.data.file_types import CHECKED_BYTES, other_type
from workbench.data.readers.reader import Broken
from workbench.data.readers.source import Source
from workbench.data.text_rows import is_json_lines
from workbench.errors import DataError


@contextmanager
def as_lines(source: Source, expected: str) -> Iterator[io.TextIOWrapper]:
    """Opens a text whose lines are read one by one: UTF-8, or UTF-16 with a byte order mark; empty ones are refused.

    expected: what it should be, such as "a CSV or TSV file". Raises DataError, also for what is wrong while it is read.
    """
    try:
        with source.open_unpacked() as opened:
            head = opened.peek(CHECKED_BYTES)[:CHECKED_BYTES]
            if not head.startswith((b'{"', b"[{")) and (what := other_type(head)):
                raise DataError(f"{source.shown} is not {expected}: it is {what}")
            wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            with io.TextIOWrapper(opened, "utf-16" if wide else "utf-8-sig", newline="") as text:
                if not first_characters(text):
                    raise DataError(f"{source.shown} is empty")
                yield text
    except UnicodeDecodeError as error:
        raise DataError(f"{source.shown} is not UTF-8; save it in UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {source.shown}: {getattr(error, 'strerror', None) or error}") from error


def is_json(source: Source, text: io.TextIOWrapper) -> bool:
    """Whether it holds JSON lines: by its name, or of standard input by its first character."""
    if not source.is_stdin:
        return is_json_lines(source.path)
    return first_characters(text).startswith("{")


def first_characters(text: io.TextIOWrapper) -> str:
    """The first characters that are no blanks, without reading on; those of the byte order mark left out."""
    assert isinstance(text.buffer, io.BufferedReader)
    head = text.buffer.peek(CHECKED_BYTES)[:CHECKED_BYTES]
    return head.decode(text.encoding, errors="ignore").lstrip()


def check_rows(part: Rows) -> None:
    """Raises DataError where a table has a header and nothing below it."""
    if not part.values:
        raise DataError(f"{part.file} has no rows below its header")


def lines_of(source: Source, text: TextIO) -> Iterator[str]:
    """The lines of a text with their ends. Raises DataError for one that does not end."""
    for number in count(1):
        line = text.readline(MOST_CHARACTERS + 1)
        if len(line) > MOST_CHARACTERS:
            raise DataError(f"{source.shown}, line {number}: a line with more than {MOST_CHARACTERS:,} characters")
        if not line:
            return
        yield line


def json_objects(source: Source, text: TextIO) -> Iterator[tuple[int, dict[str, Any] | Broken]]:
    """The objects of JSON lines, each with its line."""
    for line, content in enumerate(lines_of(source, text), 1):
        if not content.strip():
            continue
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            yield line, Broken(f"{source.shown}, line {line}: not JSON: {error}")
            continue
        if isinstance(found, dict):
            yield line, found
        else:
            yield line, Broken(f'{source.shown}, line {line}: each line must be an object, such as {{"a": 1.5}}')
