"""Reads a file of JSON lines, an object a line, as a table."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.data.delimited import Rows
from workbench.errors import DataError


def rows_of_json(text: str, file: Path) -> Rows:
    """The objects of a file as rows, with the keys of all of them as columns; empty lines are skipped.

    Texts stay as they are, other values become text (true, 3.5); null, and a key that an object lacks, become an empty
    value. Raises DataError with the line for anything but objects.
    """
    objects: list[dict[str, str]] = []
    lines: list[int] = []
    # Only \n ends a line: JSON texts may hold U+2028, where splitlines would cut.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            whole = "; each line must be a JSON object of its own" if line.strip() in ("[", "{") else ""
            raise DataError(f"{file}, line {number}: not JSON: {error}{whole}") from error
        if not isinstance(found, dict):
            kind = "an array" if isinstance(found, list) else "a single value"
            raise DataError(f'{file}, line {number}: {kind}, but each line must be an object like {{"text": "..."}}')
        objects.append({key: _value(value) for key, value in found.items()})
        lines.append(number)
    header = list(dict.fromkeys(key for each in objects for key in each))
    values = [[each.get(key, "") for key in header] for each in objects]
    return Rows(file, header, values, lines)


def _value(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
