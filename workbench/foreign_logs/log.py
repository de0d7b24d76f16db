"""What every reader of another program's log gives: numbers by name and step, in the order of their writing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

MOST_SCALARS = 20_000
"""About how many one read returns, so that a long log does not hold up who reads it."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number."""

    name: str
    """As the program has called it, such as train/loss or val_accuracy."""
    step: int
    value: float
    time: float | None = None
    """When it was written, in seconds since 1970; None if the log does not tell."""


def step_of(value: float) -> int | None:
    """A step as it stands in a log; None where it is no number of steps."""
    return int(value) if math.isfinite(value) and 0 <= value < 2**53 else None


class ForeignLog(Protocol):
    """A log that may still grow."""

    path: Path
    """Its file or folder."""
    loop: str
    """What made it: a key of `runs.own_loop.LOOPS`."""

    @property
    def name(self) -> str:
        """What the run is called."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The hyper-parameters, as far as they are known now."""

    @property
    def is_there(self) -> bool:
        """Whether its files can be found now."""

    def read(self) -> list[Scalar]:
        """The numbers that were added since the last call, at most about MOST_SCALARS; empty if there are none."""

    @property
    def exit_code(self) -> int | None:
        """With what the program has ended; None while it runs, and where the log does not tell."""
