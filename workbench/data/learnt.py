"""What a model is to learn, in words: `quality: 6 classes (3, 4, … 8)` or `price: numbers from 1.2 to 9.9`.

Whether targets are classes or numbers is often guessed. So every plan, every run and its report say it in this line.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.data.samples import Samples, Task

FEW_CLASSES = 4
"""Up to this many are all named; of more, the first two and the last."""

LONGEST_NAME = 32
"""Letters of a class that are shown."""


def what_is_learnt(samples: Samples) -> str:
    """The line for these samples. The numbers of a regression are those of the samples that are to be split."""
    task = samples.task
    return classes_in_words(task) if task.kind == "classification" else _numbers(task, samples.train.targets)


def classes_in_words(task: Task) -> str:
    """Which classes there are."""
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
        what = f"{task.outputs} numbers a sample{listed}"
    else:
        what = f"{_before(names)}numbers"
    if targets is None or not targets.numel():
        return what
    lowest, highest = targets.min(), targets.max()
    return f"{what} from {_number(lowest)} to {_number(highest)}"


def _number(value: Tensor) -> str:
    # As many digits as the type holds, so that 1000000010.4 is not 1e+09 and 1.2 in float32 is not 1.2000000477.
    digits = 15 if value.dtype == torch.float64 else 7
    return f"{float(value):.{digits}g}"


def _before(targets: tuple[str, ...]) -> str:
    return f"{_short(targets[0])}: " if targets else ""


def _short(name: str) -> str:
    name = name if name.isprintable() else repr(name)[1:-1]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
