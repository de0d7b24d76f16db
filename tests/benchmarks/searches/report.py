"""The table of a comparison of searches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks.figures import table
from tests.benchmarks.searches.curves import WITHIN, quartiles, regret_at, time_to

MOMENTS = (15.0, 30.0, 60.0)
"""Seconds at which regret is shown."""

HEAD = ("tool", "budget, s", "seeds", "s to within 10 %", "reached", *(f"regret at {moment:g} s" for moment in MOMENTS))
"""Of the columns about a search; those about what it has chosen follow."""


def report(results: Sequence[Mapping[str, Any]], references: Mapping[str, float]) -> str:
    """A table a data set: median (lower to upper quartile) over the seeds, a row for each tool and budget."""
    parts = []
    for dataset in dict.fromkeys(result["dataset"] for result in results):
        own = [result for result in results if result["dataset"] == dataset]
        if dataset not in references:
            parts.append(f"{dataset}: reference.json has no reference loss of it")
            continue
        rows: list[Sequence[str]] = [(*HEAD, "settings", "epochs", "test loss")]
        for tool, budget in dict.fromkeys((result["tool"], result["budget"]) for result in own):
            searches = [each for each in own if (each["tool"], each["budget"]) == (tool, budget)]
            rows.append(row(tool, budget, searches, references[dataset]))
        parts.append(f"{dataset}: reference loss {references[dataset]:.4f}\n{table(rows)}")
    return "\n\n".join(parts)


def row(tool: str, budget: float, searches: Sequence[Mapping[str, Any]], reference: float) -> Sequence[str]:
    """A tool with a budget."""
    times = [time_to(each["curve"], (1 + WITHIN) * reference) for each in searches]
    regrets = [
        "" if moment > budget else shown([100 * regret_at(each["curve"], moment, reference) for each in searches], " %")
        for moment in MOMENTS
    ]
    tests = [each["test"] for each in searches if each.get("test") is not None]
    return (
        tool,
        f"{budget:g}",
        f"{len(searches)}",
        shown(times, digits=1, infinite=f"> {budget:g}"),
        f"{sum(map(math.isfinite, times))} of {len(times)}",
        *regrets,
        shown([each["trials"] for each in searches]),
        shown([each["values"] for each in searches]),
        shown(tests, digits=4) if tests else "",
    )


def shown(values: Sequence[float], unit: str = "", *, digits: int = 0, infinite: str = "∞") -> str:
    """Median (lower to upper quartile). infinite: how a value beyond what was measured is written."""
    low, middle, high = (f"{each:.{digits}f}" if math.isfinite(each) else infinite for each in quartiles(values))
    return f"{middle}{unit} ({low} to {high})" if len(values) > 1 else f"{middle}{unit}"
