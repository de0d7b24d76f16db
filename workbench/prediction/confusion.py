"""Which classes are taken for one another."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from workbench.processes.evaluation import Confused

MOST_PAIRS = 20


def confused_pairs(predicted: Tensor, true: Tensor, names: Sequence[str]) -> list[Confused]:
    """The most frequent pairs of a class and another that is predicted in its place. Both: int64 (samples,)."""
    wrong = predicted != true
    pairs, counts = (true[wrong] * len(names) + predicted[wrong]).unique(return_counts=True)
    order = counts.argsort(descending=True, stable=True)[:MOST_PAIRS].tolist()
    return [
        Confused(names[int(pairs[place]) // len(names)], names[int(pairs[place]) % len(names)], int(counts[place]))
        for place in order
    ]
