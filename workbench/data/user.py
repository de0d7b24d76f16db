"""What a user's function returned, taken for samples or refused with what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.data.channels import channels_axis
from workbench.data.class_numbers import ClassNumbers
from workbench.data.samples import Samples, Split, Task
from workbench.data.statistics import IMAGE_DIMENSIONS
from workbench.data.user_split import Given, as_split, check_not_one_hot, look_at, read_sample, unwrap
from workbench.data.words import few
from workbench.errors import UserCodeError

NAMES = ("train", "validation", "test")

EXPECTED = (
    'it must return a dictionary with "train" and perhaps "validation" and "test", each a map-style torch Dataset or a '
    "pair (inputs, targets) of tensors or arrays; or (train, validation, test); or one of these alone"
)

MANY_CLASSES = 20
"""Whole numbers that nobody has called classes, and that are more than these, may have been meant as numbers."""

LOOKED_AT = 8
"""Samples whose targets are looked at, of a data set that is read one by one."""

COMMON_CHANNELS = (1, 3, 4)
"""Grey, colour, and colour with transparency."""

Channels = Literal["auto", "first", "last"]


def from_user(result: object, where: str, channels: Channels = "auto") -> Samples:
    """Samples from what `where` (package.module:function) returned.

    That may be one data set, which is then split; (train, validation, test), None standing for what there is not; or a
    dictionary of them; or a Samples, which can bring an encoding and a collate function of its own. A data set is a
    map-style torch Dataset, or a pair (inputs, targets) of tensors or arrays. Pairs, TensorDatasets and Subsets of them
    are held in memory; all others are read sample by sample.

    Samples of 3 dimensions are images, (channels, height, width); of 1 dimension rows of a table. channels: where
    samples of 3 dimensions have theirs; "auto" knows bytes whose shape tells that they come last, and asks where other
    numbers look so. Whole numbers as inputs, but for bytes, become int64.

    Whole numbers as targets are classes, others a regression. A Dataset whose targets are classes needs an attribute
    `classes`, their names or their number, unless it has `targets`, the class of each sample. Without `classes` the
    numbers need not be without gaps. A validation or test split whose `classes` are fewer than the training split's,
    or in another order, is matched by name.

    Raises UserCodeError, which says what was returned and what is expected.
    """
    if isinstance(result, Samples):
        return _with_plain_task(result)
    parts = {name: look_at(part, f"{where}, {name}") for name, part in _parts(result, where).items()}
    train = parts["train"]
    notes: list[str] = []
    task, numbers = _task(train, where, notes)
    last = _channels_last(train, channels, where, notes)
    splits: dict[str, Split] = {}
    for name, part in parts.items():
        _check_alike(name, part, train, where)
        splits[name] = as_split(part, _own_numbers(part, train, numbers, task, notes), channels_last=last)
    if train.sample.dtype == torch.uint8 and train.sample.dim() != IMAGE_DIMENSIONS:
        notes.append(
            "inputs are bytes (uint8) and so read as pixels, from 0 to 1; other whole numbers stay as they are"
        )
    return Samples(
        splits["train"],
        task,
        validation=splits.get("validation"),
        test=splits.get("test"),
        notes=tuple(notes),
    )


def _with_plain_task(samples: Samples) -> Samples:
    """Samples whose task holds Python's own numbers and strings: a checkpoint with NumPy's could not be read again."""
    task = samples.task
    if type(task.outputs) is int and all(type(name) is str for name in (*task.classes, *task.targets)):
        return samples
    classes, targets = (tuple(map(str, names)) for names in (task.classes, task.targets))
    return replace(samples, task=replace(task, outputs=int(task.outputs), classes=classes, targets=targets))


def _parts(result: object, where: str) -> dict[str, Any]:
    """The splits by name, as yet of any type."""
    if isinstance(result, Mapping):
        if "train" not in result or not set(result) <= set(NAMES):
            raise UserCodeError(f"{where} returned a dictionary with the keys {list(result)}; {EXPECTED}")
        parts = dict(result)
    elif isinstance(result, (tuple, list)) and not _is_pair(result):
        if len(result) == 2 and not any(_unusable(part) for part in result):
            raise UserCodeError(
                f"{where} returned two data sets, and the second may be for validation or for "
                'testing; return {"train": ..., "validation": ...} or {"train": ..., "test": ...}'
            )
        if len(result) not in (2, 3):
            raise UserCodeError(f"{where} returned {len(result)} things; {EXPECTED}")
        parts = dict(zip(NAMES, result, strict=False))
    else:
        parts = {"train": result}
    if parts["train"] is None and isinstance(result, (Mapping, tuple, list)):
        raise UserCodeError(f"{where} returned None for the training split; {EXPECTED}")
    parts = {name: part for name, part in parts.items() if part is not None or name == "train"}
    for name, part in parts.items():
        problem = _unusable(part)
        if problem:
            raise UserCodeError(f"{where} returned {problem}{f' for {name}' * (part is not result)}; {EXPECTED}")
    return parts


def _unusable(part: object) -> str:
    """What is wrong with the type of a split; empty if it will do."""
    from torch.utils.data import DataLoader, IterableDataset

    if isinstance(part, IterableDataset):
        return f"an IterableDataset ({type(part).__name__}), which can be neither shuffled nor split"
    if isinstance(part, DataLoader):
        return "a DataLoader, where its dataset is wanted: batches are made here"
    if _is_pair(part):
        return ""
    if isinstance(part, (tuple, list)):
        return f"a {type(part).__name__} of {', '.join(type(item).__name__ for item in part[:3]) or 'nothing'}"
    if isinstance(part, (str, bytes, Mapping, Tensor, np.ndarray)):
        return f"a {type(part).__name__}"
    if not (hasattr(part, "__getitem__") and hasattr(part, "__len__")):
        return "None" if part is None else f"a {type(part).__name__}"
    return ""


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(v, (Tensor, np.ndarray)) for v in value)
    )


def _task(train: Given, where: str, notes: list[str]) -> tuple[Task, ClassNumbers | None]:
    """What there is to learn, from the training split alone, and how its classes are numbered."""
    if train.outputs:
        _check_first_targets(train)
        names = tuple(f"target[{index}]" for index in range(train.outputs)) if train.outputs > 1 else ("target",)
        doubt = "whole-number targets, targets.long(), make classes" if _could_be_classes(train.targets) else ""
        return Task("regression", train.outputs, targets=names, doubt=doubt), None
    classes, targets, doubt = _names(train, where), train.all_targets, ""
    if classes is not None:
        numbers = ClassNumbers.counted(len(classes))
    elif targets is not None:
        numbers = ClassNumbers.found(targets)
        classes = tuple(map(str, numbers.labels.tolist()))
        doubt = "floating-point targets, targets.float(), make a regression"
        _tell_of_numbers(numbers, targets, where, notes)
    else:
        raise UserCodeError(
            f"{where}: how many classes are there? Reading all samples to find out may take long: give the dataset "
            "an attribute `classes`, the list of their names or their number"
        )
    if len(classes) < 2:
        raise UserCodeError(f"{where}: there is only one class, and nothing to learn")
    return Task("classification", len(classes), classes=classes, doubt=doubt), numbers


def _could_be_classes(targets: Tensor | None) -> bool:
    """Whether floating-point targets (n, outputs) are a few whole numbers."""
    if targets is None or targets.shape[1] != 1 or not bool((targets == targets.round()).all()):
        return False
    return len(targets.unique()) <= MANY_CLASSES


def _names(given: Given, where: str) -> tuple[str, ...] | None:
    """The classes by their numbers, where the data set tells."""
    named = getattr(unwrap(given.part), "classes", None)
    if named is None:
        return None
    if isinstance(named, int):
        return tuple(map(str, range(named)))
    if isinstance(named, (str, bytes)) or not isinstance(named, Iterable):
        raise UserCodeError(
            f"{where}: the dataset's attribute `classes` is a {type(named).__name__}; it must be the list of the "
            "classes' names or their number"
        )
    return tuple(map(str, named))


def _tell_of_numbers(numbers: ClassNumbers, targets: Tensor, where: str, notes: list[str]) -> None:
    """Whole numbers as targets are classes, though many or with gaps; refused where hardly any occurs twice."""
    count = len(numbers.labels)
    if count > MANY_CLASSES:
        once = int((targets.unique(return_counts=True)[1] == 1).sum())
        if 2 * once >= count:
            raise UserCodeError(
                f"{where}: the targets are whole numbers ({targets.dtype}) and so classes, but {once} of the {count} "
                "different ones occur only once; if they are numbers to predict, make them floating-point, "
                "targets.float()"
            )
    if count > MANY_CLASSES or not numbers.are_counted:
        notes.append(
            f"targets are whole numbers and so {count} classes ({numbers.words()}); floating-point targets make a "
            "regression"
        )


def _check_first_targets(train: Given) -> None:
    """Of a data set whose targets are only known by reading them: the first may be one-hot."""
    if train.targets is None and train.outputs > 1:
        indices = range(min(LOOKED_AT, len(train.part)))
        targets = [read_sample(train.part, index, train.where)[1] for index in indices]
        if all(target.shape == targets[0].shape for target in targets):
            check_not_one_hot(torch.stack(targets), train.where)
    elif train.targets is not None:
        check_not_one_hot(train.targets, train.where)


def _own_numbers(
    part: Given, train: Given, numbers: ClassNumbers | None, task: Task, notes: list[str]
) -> ClassNumbers | None:
    """How a split numbers its classes: where both name them, by the names."""
    named, own = _names(train, part.where), _names(part, part.where)
    if numbers is None or named is None or own is None or own == named:
        return numbers
    unknown = [name for name in own if name not in named]
    if unknown or len({*own}) < len(own) or len({*named}) < len(named):
        problem = f"{unknown[0]!r} is not one of" if unknown else "some occur twice in its own or in"
        raise UserCodeError(
            f"{part.where}: its `classes` are not those of the training split: {problem} the training split's "
            f"{len(named)}, {few(named)}"
        )
    lacking = [name for name in named if name not in own]
    lacks = f" lacks {few(lacking)} and" * bool(lacking)
    notes.append(f"{part.where.rpartition(', ')[2]}{lacks} numbers its classes differently from train: matched by name")
    return ClassNumbers.by_name(own, named)


def _channels_last(train: Given, channels: Channels, where: str, notes: list[str]) -> bool:
    """Whether samples are images that have their channels last."""
    if train.sample.dim() != 3 or channels != "auto":
        return train.sample.dim() == 3 and channels == "last"
    first, middle, last = shape = tuple(train.sample.shape)
    axis = channels_axis((first, middle, last))
    if axis == "first":
        return False
    if axis == "last" and last in COMMON_CHANNELS and train.sample.dtype == torch.uint8:
        notes.append(
            f"samples of shape {shape} are read as {last} channels of {first} × {middle}, the channels last; "
            "data.channels changes that"
        )
        return True
    looks = "look as if their channels came last" if axis == "last" else "leave open where their channels are"
    raise UserCodeError(
        f"{where}: samples of shape {shape} {looks}, but models take (channels, height, width); set data.channels = "
        '"last" to have them moved, or "first" to leave the samples as they are'
    )


def _check_alike(name: str, part: Given, train: Given, where: str) -> None:
    if part.sample.shape != train.sample.shape:
        raise UserCodeError(
            f"{where}: samples of {name} have shape {tuple(part.sample.shape)}, those of train "
            f"{tuple(train.sample.shape)}"
        )
    kinds = _kind_of_numbers(part.sample), _kind_of_numbers(train.sample)
    if kinds[0] != kinds[1]:
        raise UserCodeError(
            f"{where}: samples of {name} are {kinds[0]}, those of train {kinds[1]}, which are read differently; give "
            "all splits one type"
        )
    if part.outputs != train.outputs:
        raise UserCodeError(
            f"{where}: targets of {name} are {part.target_words()}, those of train {train.target_words()}"
        )


def _kind_of_numbers(sample: Tensor) -> str:
    if sample.dtype == torch.uint8:
        return "bytes (uint8)"
    return "floating-point numbers" if sample.is_floating_point() else "whole numbers"
