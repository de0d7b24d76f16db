"""Suggests the nearest known name for a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST_CHARACTERS = 80
"""Of a misspelt name that are compared."""


def closest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like `name`; empty if none is like it."""
    return next(iter(get_close_matches(name[:MOST_CHARACTERS], list(known), n=1, cutoff=0.6)), "")


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for a misspelt name, or the names that are known."""
    names = list(known)
    if found := closest(name, names):
        return f"; did you mean {found}?"
    return f"; known: {', '.join(names)}" if names else ""
