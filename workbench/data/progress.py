"""How far a download or a long read is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of something; total is None where it is not known."""

    what: str
    done: int
    total: int | None
    unit: str
