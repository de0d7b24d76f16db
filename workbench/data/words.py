"""Lists and numbers in messages."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3


def few(names: Sequence[str]) -> str:
    """Lists the first names, quoted, and the number of further ones."""
    return ", ".join(map(repr, names[:SHOWN])) + f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)


def number(count: int, noun: str) -> str:
    """A count with its noun, which takes an s in the plural."""
    return f"{count} {noun}{'s' * (count != 1)}"
