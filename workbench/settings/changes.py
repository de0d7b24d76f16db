"""Changes of the learning rate during a run, recorded so that they can be repeated.

Whenever the user sets another rate, it is appended to the run's preset.toml before the first step at that rate.
Training that preset again, or resuming the run, changes the rate at the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from workbench.settings.base import Settings, setting
from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS

MOST_CHANGES = 10_000
"""Changes of one run: a preset.toml with many more would be too large to be read."""
MOST_LISTED = 3
"""Changes that a line lists one by one."""


class Change(Settings):
    """A new learning rate from a step on."""

    step: int = setting(..., "optimizer steps before the change: the next step is the first at the new rate", ge=0)
    learning_rate: float = setting(..., "the new rate, before the schedule's factor", **LEARNING_RATE_BOUNDS)


def check_order(changes: Sequence[Change]) -> None:
    """Raises ValueError if the steps do not increase."""
    for before, after in pairwise(changes):
        if after.step <= before.step:
            raise ValueError(f"the steps of changes must increase, but {after.step} follows {before.step}")


def in_words(first: float | None, changes: Iterable[tuple[int, float]]) -> str:
    """Formats changes: `0.01 → 0.02 at step 600`; for many, only the last one and their number.

    first: the rate before the changes; None leaves it out. changes: (step, rate). Returns "" if there are none.
    """
    listed = [f"{rate:g} at step {step:,}" for step, rate in changes]
    if not listed:
        return ""
    before = [] if first is None else [f"{first:g}"]
    if len(listed) > MOST_LISTED:
        return " → ".join([*before, f"{listed[-1]} (the last of {len(listed)} changes)"])
    return " → ".join([*before, *listed])


def read(found: Any) -> list[tuple[int, float]]:
    """Returns (step, rate) of each change in a parsed but unchecked preset.toml; invalid ones are left out."""
    changes = []
    for change in found if isinstance(found, list | tuple) else ():
        with suppress(TypeError, ValueError, KeyError, OverflowError):
            changes.append((int(change["step"]), float(change["learning_rate"])))
    return changes
