"""The table of a comparison of searches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks.figures import table
from tests.benchmarks.searches.curves import WITHIN, quartiles, regret_at, time_to
from tests.benchmarks.searches.reference import Reference

MOMENTS = (15.0, 30.0, 60.0)
"""Seconds at which regret is shown."""

HEAD = (
    "tool",
    "budget",
    "seeds",
    "s to within 10 %",
    "s to best 1 %",
    *(f"regret at {moment:g} s" for moment in MOMENTS),
    "settings",
    "epochs",
    "test loss",
)


def report(results: Sequence[Mapping[str, Any]], references: Mapping[str, Reference]) -> str:
    """A table a data set, with a row for each tool and budget."""
    parts = []
    for dataset in dict.fromkeys(result["dataset"] for result in results):
        reference = references.get(dataset)
        if reference is None:
            parts.append(f"{dataset}: there is no reference of it yet")
            continue
        own = [result for result in results if result["dataset"] == dataset]
        rows: list[Sequence[str]] = [HEAD]
        for tool, budget in dict.fromkeys((result["tool"], result["budget"]) for result in own):
            rows.append(row([each for each in own if (each["tool"], each["budget"]) == (tool, budget)], reference))
        parts.append(
            f"{dataset}: lowest validation loss of trainings by chance {reference.loss:.4f}, "
            f"that of the best 1 % {reference.best_percent:.4f}\n{table(rows)}"
        )
    return "\n\n".join(parts)


def row(searches: Sequence[Mapping[str, Any]], reference: Reference) -> Sequence[str]:
    """Those of a tool with a budget on a data set."""
    budget = searches[0]["budget"]
    regrets = [[regret_at(each["curve"], moment, reference.loss) for each in searches] for moment in MOMENTS]
    tests = [each["test"] for each in searches if "test" in each]
    return (
        searches[0]["tool"],
        f"{budget:g} s",
        f"{len(searches)}",
        times([time_to(each["curve"], (1 + WITHIN) * reference.loss) for each in searches], budget),
        times([time_to(each["curve"], reference.best_percent) for each in searches], budget),
        *(shown(found, 4) if moment <= budget else "" for moment, found in zip(MOMENTS, regrets, strict=True)),
        shown([each["trials"] for each in searches]),
        shown([each["values"] for each in searches]),
        shown(tests, 4) if tests else "",
    )


def times(seconds: Sequence[float], budget: float) -> str:
    """Seconds until something was reached, and how many searches have reached it."""
    reached = sum(map(math.isfinite, seconds))
    return f"{shown(seconds, 1, f'> {budget:g}')}, {reached} of {len(seconds)}"


def shown(values: Sequence[float], digits: int = 0, infinite: str = "none") -> str:
    """Median (lower to upper quartile). infinite: how a value beyond what was measured is written."""
    low, middle, high = (f"{each:.{digits}f}" if math.isfinite(each) else infinite for each in quartiles(values))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle
