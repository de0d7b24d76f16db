"""Chooses the samples that stand for a data set: one of each class first, then any."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.data.samples import Split
from workbench.data.task import Task


def choose(split: Split, task: Task, count: int, seed: int) -> list[int]:
    """At most `count` numbers of samples, the same for the same seed.

    One of each class, then another one of each, and so on; with fewer places than classes, some classes at random.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(split), generator=generator)
    targets = split.targets
    if targets is None or task.kind != "classification" or targets.dim() != 1:
        return [int(number) for number in order[:count]]
    rounds = _by_class(order, targets, task.outputs, count, generator)
    most = max(map(len, rounds), default=0)
    return [numbers[place] for place in range(most) for numbers in rounds if place < len(numbers)][:count]


def _by_class(order: Tensor, targets: Tensor, classes: int, count: int, generator: torch.Generator) -> list[list[int]]:
    """The first samples of each class in this order; of `count` classes at most, which are not empty."""
    present = torch.bincount(targets, minlength=classes).nonzero().flatten()
    if len(present) > count:
        present = present[torch.randperm(len(present), generator=generator)[:count]].sort().values
    shuffled = targets[order]
    return [order[(shuffled == number).nonzero()[:count, 0]].tolist() for number in present]
