"""The columns of a table, CSV, TSV or JSON lines: `python -m workbench.data.header FILE DELIMITER [NAMED]`.

Writes one JSON object to standard output: the columns with some of their values, or the error; and what is wrong with
the columns that settings name. NAMED is JSON: the columns by setting. The app starts it as a process of its own, so
that it neither waits for a slow disk nor imports the code that reads data.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.data.column_names import check_names
from workbench.data.delimited import Rows, read_rows
from workbench.data.text_rows import is_json_lines, read_text_rows
from workbench.errors import DataError

HEAD_BYTES = 1 << 20
"""Only this much of a longer file is read."""
EXAMPLES = 4
"""Values of each column that are shown."""
EXAMPLE_CHARACTERS = 20
GZIP = b"\x1f\x8b"


def main(arguments: list[str]) -> int:
    """Prints the columns of a file; returns the exit code."""
    os.nice(10)
    file, delimiter = Path(arguments[0]), arguments[1]
    try:
        rows = first_rows(file, delimiter)
        print(json.dumps({"columns": columns(rows), "wrong": _wrong(rows, arguments[2:])}))
    except DataError as error:
        print(json.dumps({"error": str(error)}))
        return error.exit_code
    return 0


def first_rows(file: Path, delimiter: str) -> Rows:
    """Reads the rows in the first `HEAD_BYTES`. Raises DataError."""
    head = _head(file)
    read = read_text_rows if is_json_lines(file) else read_rows
    if head is None:
        return read(file, delimiter)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / file.name
        part.write_bytes(head)
        try:
            return replace(read(part, delimiter), file=file)
        except DataError as error:
            raise DataError(str(error).replace(str(part), str(file))) from error


def _wrong(rows: Rows, named: list[str]) -> str:
    try:
        check_names(rows, json.loads(named[0]) if named else {})
    except DataError as error:
        return str(error)
    return ""


def columns(rows: Rows) -> list[dict[str, Any]]:
    """Returns name and some distinct values of each column."""
    found = []
    for place, name in enumerate(rows.header):
        values = dict.fromkeys(row[place][:EXAMPLE_CHARACTERS] for row in rows.values[:1000] if row[place])
        found.append({"name": name, "values": list(values)[:EXAMPLES]})
    return found


def _head(file: Path) -> bytes | None:
    """Reads the first lines of a long file; None for a short, compressed or missing one, which is read whole."""
    try:
        if not file.is_file() or file.stat().st_size <= HEAD_BYTES:
            return None
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
    except OSError:
        return None
    if head.startswith(GZIP):
        return None
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head.decode("utf-16", errors="ignore")
        return (text[: text.rfind("\n") + 1] or text).encode("utf-16")
    return head[: head.rfind(b"\n") + 1] or head


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
