"""Describes what a model learns to predict: `quality: 6 classes (3, 4, … 8)` or `price: numbers from 1.2 to 9.9`.

Whether targets are classes or numbers is often guessed, so each dry run, run and report shows this line.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.data.samples import Samples, Task
from workbench.units import count

FEW_CLASSES = 4
"""At most this many classes are all named; of more, the first two and the last."""

LONGEST_NAME = 32
"""Characters of a name that are shown."""


def describe_task(samples: Samples) -> str:
    """Returns the line for these samples. The range of a regression is that of the samples before they are split."""
    task = samples.task
    if task.predicts_tokens:
        return f"the next of {count(task.outputs)} tokens" if task.outputs else "the next token"
    return classes_in_words(task) if task.kind == "classification" else _numbers(task, samples.train.targets)


def classes_in_words(task: Task) -> str:
    """The number of classes and their names."""
    names = [_short(name) for name in task.classes]
    if len(names) > FEW_CLASSES:
        names = [f"{names[0]}, {names[1]}, … {names[-1]}"]
    listed = f" ({', '.join(names)})" if names else ""
    return f"{_before(task.targets)}{task.outputs} classes{listed}"


def _numbers(task: Task, targets: Tensor | None) -> str:
    names = task.targets
    if task.outputs > 1:
        few = names if len(names) <= FEW_CLASSES else (names[0], names[1], f"… {names[-1]}")
        listed = f" ({', '.join(map(_short, few))})" if few else ""
        what = f"{task.outputs} numbers per sample{listed}"
    else:
        what = f"{_before(names)}numbers"
    if targets is None or not targets.numel():
        return what
    lowest, highest = targets.min(), targets.max()
    return f"{what} from {_number(lowest)} to {_number(highest)}"


def _number(value: Tensor) -> str:
    # All digits that the dtype has: 1000000010.4 must not become 1e+09, nor 1.2 in float32 1.2000000477.
    digits = 15 if value.dtype == torch.float64 else 7
    return f"{float(value):.{digits}g}"


def _before(targets: tuple[str, ...]) -> str:
    return f"{_short(targets[0])}: " if targets else ""


def _short(name: str) -> str:
    name = name if name.isprintable() else repr(name)[1:-1]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
