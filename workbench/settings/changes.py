"""Changes of the learning rate during a run, recorded so that training again repeats them.

A run's preset.toml gains one whenever somebody sets another rate, before the first step at that rate. Whoever trains
that preset, anew or resumed, changes the rate at the very same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from workbench.settings.base import Settings, setting
from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS

MOST_CHANGES = 10_000
"""Of one run: a preset.toml with far more would be too large to be read again."""
MOST_IN_WORDS = 3
"""Changes that a line lists one by one."""


class Change(Settings):
    """Another learning rate from a step on."""

    step: int = setting(..., "optimizer steps before the change: the next step is the first at the new rate", ge=0)
    learning_rate: float = setting(..., "the rate from there on, before the schedule's factor", **LEARNING_RATE_BOUNDS)


def check_order(changes: Sequence[Change]) -> None:
    """Raises ValueError where the steps do not rise."""
    for before, after in pairwise(changes):
        if after.step <= before.step:
            raise ValueError(f"steps must rise from one change to the next, but {after.step} follows {before.step}")


def in_words(first: float | None, changes: Iterable[tuple[int, float]]) -> str:
    """`0.01 → 0.02 at step 600`; of many changes the last and how many there are.

    first: the rate before; None where it is shown elsewhere. changes: (step, rate); the answer is empty for none.
    """
    listed = [f"{rate:g} at step {step:,}" for step, rate in changes]
    if not listed:
        return ""
    before = [] if first is None else [f"{first:g}"]
    if len(listed) > MOST_IN_WORDS:
        return " → ".join([*before, f"{listed[-1]} (the last of {len(listed)} changes)"])
    return " → ".join([*before, *listed])


def read(found: Any) -> list[tuple[int, float]]:
    """(step, rate) of each change in a preset.toml that was read but not checked; those that are none are left out."""
    changes = []
    for change in found if isinstance(found, list | tuple) else ():
        with suppress(TypeError, ValueError, KeyError, OverflowError):
            changes.append((int(change["step"]), float(change["learning_rate"])))
    return changes
