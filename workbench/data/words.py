"""Lists in messages."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3


def few(names: Sequence[str]) -> str:
    """Lists the first names, quoted, and the number of further ones."""
    return ", ".join(map(repr, names[:SHOWN])) + f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)
