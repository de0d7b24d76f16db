"""A dict that keeps only what was put into it last."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def keep_newest(known: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Puts a value into a dict of at most `most` entries: those that were put there first are removed."""
    known.pop(key, None)
    while len(known) >= most:
        known.pop(next(iter(known)))
    known[key] = value
