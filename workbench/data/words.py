"""Lists in messages."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3


def few(names: Sequence[str]) -> str:
    """The first names, quoted, and how many more there are."""
    return ", ".join(map(repr, names[:SHOWN])) + f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)
