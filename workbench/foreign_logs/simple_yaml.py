"""Reads the YAML that loggers write: tables by indentation, lists of plain values, numbers, words and quoted texts.

Not YAML as a whole: what is not one of these (anchors, tags, texts over several lines) is left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

_ENTRY = re.compile(r"( *)([^\s:#][^:#]*):(?: +(.*))?")
_ITEM = re.compile(r"( *)- +(.*)")
_WORDS = {"null": None, "~": None, "true": True, "false": False, ".nan": float("nan"), ".inf": float("inf")}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def read_yaml(text: str) -> dict[str, Any]:
    """The tables and values of a text."""
    root: dict[str, Any] = {}
    open_tables: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    last: tuple[int, dict[str, Any], str] | None = None
    """Indentation, table and key of the last entry without a value, which may be a table or a list."""
    for line in text.splitlines():
        if (item := _ITEM.fullmatch(line)) is not None:
            if last is not None and len(item[1]) >= last[0]:
                values = last[1].setdefault(last[2], [])
                if isinstance(values, list):
                    values.append(_value(item[2]))
            continue
        entry = _ENTRY.fullmatch(line.rstrip())
        if entry is None:
            continue
        depth, key = len(entry[1]), str(_value(entry[2].strip()))
        if last is not None and depth > last[0] and not isinstance(last[1].get(last[2]), list):
            open_tables.append((last[0], last[1].setdefault(last[2], {})))
        while open_tables[-1][0] >= depth:
            open_tables.pop()
        table = open_tables[-1][1]
        last = None
        if entry[3] is None:
            last = depth, table, key
        elif entry[3] not in ("{}", "[]") and entry[3][:1] not in "&*!|>{[%@":
            table[key] = _value(entry[3].strip())
    return root


def _value(written: str) -> Any:
    if written.lower() in _WORDS:
        return _WORDS[written.lower()]
    if _WHOLE.fullmatch(written):
        return int(written)
    if _NUMBER.fullmatch(written):
        return float(written)
    if written[:1] == '"':
        try:
            return json.loads(written)
        except ValueError:
            return written
    return written[1:-1].replace("''", "'") if written[:1] == "'" == written[-1:] and len(written) > 1 else written
