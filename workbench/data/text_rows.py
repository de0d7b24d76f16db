"""Reads a table of texts as rows: CSV, TSV or JSON lines, compressed or not. Imports no torch."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from workbench.data.compressed import SUFFIXES
from workbench.data.delimited import Rows, rows_of
from workbench.data.json_lines import rows_of_json
from workbench.data.text_content import AUTO, encoding_notes, read_text
from workbench.errors import DataError

JSON_LINES = (".jsonl", ".ndjson", ".json")


def is_json_lines(file: Path) -> bool:
    """Whether the file holds JSON lines, by its name: .jsonl, .ndjson or .json, perhaps compressed."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in JSON_LINES


def read_text_rows(file: Path, delimiter: str, encoding: str = AUTO) -> Rows:
    """Reads all rows of a table of texts, of any length.

    delimiter: see `delimited.read_rows`; encoding: see `text_content.read_text`, a guess is noted. Raises DataError
    with the line number if the file is not such a table, PresetError for an unknown encoding.
    """
    content = read_text(file, encoding, "data.file", table=True)
    if not content.text.strip():
        raise DataError(f"{file} is empty")
    rows = _rows(content.text, file, delimiter)
    return replace(rows, notes=(*encoding_notes([(file, content)]), *rows.notes))


def _rows(text: str, file: Path, delimiter: str) -> Rows:
    if is_json_lines(file):
        return rows_of_json(text, file)
    if text.lstrip().startswith("{"):
        raise DataError(f"{file} seems to hold JSON, not CSV; give the file the ending .jsonl")
    with long_fields():
        return rows_of(text, file, delimiter)


@contextmanager
def long_fields() -> Iterator[None]:
    """Allows fields of any length: Python's csv refuses those of more than 131,072 characters."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
