"""Chooses the samples that stand for a data set: one of each class first, then any."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.data.samples import Split
from workbench.data.task import Task


def choose(split: Split, task: Task, count: int, seed: int) -> list[int]:
    """At most `count` numbers of samples, the same for the same seed.

    Each class comes once before another comes twice; with fewer places than classes, some classes at random.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(split), generator=generator)
    targets = split.targets
    if targets is None or task.kind != "classification" or targets.dim() != 1:
        return [int(number) for number in order[:count]]
    first = _one_of_each(order, targets, task.outputs, count, generator)
    others = order[: count + len(first)]
    return [*first, *(int(number) for number in others if int(number) not in first)][:count]


def _one_of_each(order: Tensor, targets: Tensor, classes: int, count: int, generator: torch.Generator) -> list[int]:
    """The first sample of each class in this order, by class; of `count` classes at most, which are not empty."""
    present = torch.bincount(targets, minlength=classes).nonzero().flatten()
    if len(present) > count:
        present = present[torch.randperm(len(present), generator=generator)[:count]].sort().values
    shuffled = targets[order]
    return [int(order[(shuffled == number).nonzero()[0, 0]]) for number in present]
