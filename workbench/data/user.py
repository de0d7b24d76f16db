"""Converts what a user's function returned to samples, or says what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.data.channels import channels_axis
from workbench.data.label_encoder import LabelEncoder
from workbench.data.samples import Samples, Split, Task
from workbench.data.statistics import IMAGE_DIMENSIONS
from workbench.data.user_split import InspectedSplit, as_split, check_not_one_hot, inspect_split, read_sample, unwrap
from workbench.data.words import few
from workbench.errors import UserCodeError

NAMES = ("train", "validation", "test")

EXPECTED = (
    'it must return a dictionary with "train" and optionally "validation" and "test", each a map-style torch Dataset '
    "or a pair (inputs, targets) of tensors or arrays; or (train, validation, test); or only one dataset"
)

MANY_CLASSES = 20
"""More different whole numbers than this may be meant as numbers to predict, unless the dataset names its classes."""

CHECKED_TARGETS = 8
"""Samples of a lazily read dataset whose targets are checked."""

COMMON_CHANNELS = (1, 3, 4)
"""Greyscale, RGB and RGBA."""

Channels = Literal["auto", "first", "last"]


def from_user(result: object, where: str, channels: Channels = "auto") -> Samples:
    """Converts what the function `where` (package.module:function) returned to samples.

    The result may be one dataset, which is then split; (train, validation, test), with None for a missing split; a
    dictionary of them; or a Samples, which can have an encoding and a collate function of its own. A dataset is a
    map-style torch Dataset, or a pair (inputs, targets) of tensors or arrays. Pairs, TensorDatasets and Subsets of them
    are held in memory; all others are read lazily.

    Samples of 3 dimensions are images (channels, height, width); samples of 1 dimension are rows of a table. channels:
    where samples of 3 dimensions have their channels. "auto" moves them to the front if uint8 samples have them last,
    and raises an error if samples of another type seem to. Inputs of integer types other than uint8 become int64.

    Integer targets are classes, floating-point targets a regression. A Dataset with classes needs an attribute
    `classes`, their names or their number, or `targets`, the class of each sample. Without `classes`, class numbers may
    have gaps. If the `classes` of a validation or test split are fewer, or in another order, they are matched by name.

    Raises UserCodeError, which says what was returned and what is expected.
    """
    if isinstance(result, Samples):
        return _with_plain_task(result)
    parts = {name: inspect_split(part, f"{where}, {name}") for name, part in _parts(result, where).items()}
    train = parts["train"]
    notes: list[str] = []
    task, encoder = _task(train, where, notes)
    last = _channels_last(train, channels, where, notes)
    splits: dict[str, Split] = {}
    for name, part in parts.items():
        _check_same_format(name, part, train, where)
        splits[name] = as_split(part, _encoder_of(part, train, encoder, notes), channels_last=last)
    if train.sample.dtype == torch.uint8 and train.sample.dim() != IMAGE_DIMENSIONS:
        notes.append(
            "inputs are bytes (uint8), so they are read as pixels and scaled to 0 to 1; other integer types are not"
        )
    return Samples(
        splits["train"],
        task,
        validation=splits.get("validation"),
        test=splits.get("test"),
        notes=tuple(notes),
    )


def _with_plain_task(samples: Samples) -> Samples:
    """Converts the task's numbers and strings to Python's own types: a checkpoint with NumPy's could not be loaded."""
    task = samples.task
    if type(task.outputs) is int and all(type(name) is str for name in (*task.classes, *task.targets)):
        return samples
    classes, targets = (tuple(map(str, names)) for names in (task.classes, task.targets))
    return replace(samples, task=replace(task, outputs=int(task.outputs), classes=classes, targets=targets))


def _parts(result: object, where: str) -> dict[str, Any]:
    """Returns the splits by name, still of any type."""
    if isinstance(result, Mapping):
        if "train" not in result or not set(result) <= set(NAMES):
            raise UserCodeError(f"{where} returned a dictionary with the keys {list(result)}; {EXPECTED}")
        parts = dict(result)
    elif isinstance(result, (tuple, list)) and not _is_pair(result):
        if len(result) == 2 and not any(_type_problem(part) for part in result):
            raise UserCodeError(
                f"{where} returned two datasets, and the second may be for validation or for testing; "
                'return {"train": ..., "validation": ...} or {"train": ..., "test": ...}'
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
        problem = _type_problem(part)
        if problem:
            raise UserCodeError(f"{where} returned {problem}{f' for {name}' * (part is not result)}; {EXPECTED}")
    return parts


def _type_problem(part: object) -> str:
    """Says what is wrong with the type of a split; empty if it is a dataset."""
    from torch.utils.data import DataLoader, IterableDataset

    if isinstance(part, IterableDataset):
        return f"an IterableDataset ({type(part).__name__}), which can be neither shuffled nor split"
    if isinstance(part, DataLoader):
        return "a DataLoader, but workbench makes the batches itself and needs its dataset"
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


def _task(train: InspectedSplit, where: str, notes: list[str]) -> tuple[Task, LabelEncoder | None]:
    """Returns the task, inferred from the training split, and the encoder of its labels."""
    if train.outputs:
        _check_first_targets(train)
        names = tuple(f"target[{index}]" for index in range(train.outputs)) if train.outputs > 1 else ("target",)
        doubt = "integer targets, targets.long(), make classes" if _could_be_classes(train.targets) else ""
        return Task("regression", train.outputs, targets=names, doubt=doubt), None
    classes, targets, doubt = _names(train, where), train.all_targets, ""
    if classes is not None:
        encoder = LabelEncoder.consecutive(len(classes))
    elif targets is not None:
        encoder = LabelEncoder.fit(targets)
        classes = tuple(map(str, encoder.labels.tolist()))
        doubt = "floating-point targets, targets.float(), make a regression"
        _check_labels(encoder, targets, where, notes)
    else:
        raise UserCodeError(
            f"{where}: the number of classes is unknown, and reading all samples to count them may take long: give the "
            "dataset an attribute `classes`, the list of their names or their number"
        )
    if len(classes) < 2:
        raise UserCodeError(f"{where}: there is only one class, so there is nothing to learn")
    return Task("classification", len(classes), classes=classes, doubt=doubt), encoder


def _could_be_classes(targets: Tensor | None) -> bool:
    """Whether floating-point targets (n, outputs) take few different whole values."""
    if targets is None or targets.shape[1] != 1 or not bool((targets == targets.round()).all()):
        return False
    return len(targets.unique()) <= MANY_CLASSES


def _names(split: InspectedSplit, where: str) -> tuple[str, ...] | None:
    """The names of the classes, in order of their numbers; None if the dataset does not name them."""
    named = getattr(unwrap(split.part), "classes", None)
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


def _check_labels(encoder: LabelEncoder, targets: Tensor, where: str, notes: list[str]) -> None:
    """Adds a note if labels are many or have gaps. Raises UserCodeError if many occur only once."""
    count = len(encoder.labels)
    if count > MANY_CLASSES:
        once = int((targets.unique(return_counts=True)[1] == 1).sum())
        if 2 * once >= count:
            raise UserCodeError(
                f"{where}: the targets are whole numbers ({targets.dtype}), so they are classes, but {once} of {count} "
                "occur only once; if they are numbers to predict, make them floating-point, targets.float()"
            )
    if count > MANY_CLASSES or not encoder.is_consecutive:
        notes.append(
            f"targets are whole numbers, so they are {count} classes ({encoder.describe()}); floating-point targets "
            "make a regression"
        )


def _check_first_targets(train: InspectedSplit) -> None:
    """Raises UserCodeError if targets are one-hot; reads the first ones if the dataset does not list them."""
    if train.targets is None and train.outputs > 1:
        indices = range(min(CHECKED_TARGETS, len(train.part)))
        targets = [read_sample(train.part, index, train.where)[1] for index in indices]
        if all(target.shape == targets[0].shape for target in targets):
            check_not_one_hot(torch.stack(targets), train.where)
    elif train.targets is not None:
        check_not_one_hot(train.targets, train.where)


def _encoder_of(
    part: InspectedSplit, train: InspectedSplit, encoder: LabelEncoder | None, notes: list[str]
) -> LabelEncoder | None:
    """The encoder of a split's labels: matched by name if both the split and the training split name their classes."""
    named, own = _names(train, part.where), _names(part, part.where)
    if encoder is None or named is None or own is None or own == named:
        return encoder
    unknown = [name for name in own if name not in named]
    if unknown or len({*own}) < len(own) or len({*named}) < len(named):
        problem = f"{unknown[0]!r} is not one of" if unknown else "some occur twice in its own or in"
        raise UserCodeError(
            f"{part.where}: its `classes` are not those of the training split: {problem} the training split's "
            f"{len(named)}, {few(named)}"
        )
    missing = [name for name in named if name not in own]
    lacks = f" lacks {few(missing)} and" * bool(missing)
    notes.append(f"{part.where.rpartition(', ')[2]}{lacks} numbers its classes differently from train: matched by name")
    return LabelEncoder.by_name(own, named)


def _channels_last(train: InspectedSplit, channels: Channels, where: str, notes: list[str]) -> bool:
    """Whether samples are images with channels last."""
    if train.sample.dim() != 3 or channels != "auto":
        return train.sample.dim() == 3 and channels == "last"
    first, middle, last = shape = tuple(train.sample.shape)
    axis = channels_axis((first, middle, last))
    if axis == "first":
        return False
    if axis == "last" and last in COMMON_CHANNELS and train.sample.dtype == torch.uint8:
        notes.append(
            f"samples of shape {shape} are read as {last} channels of {first} × {middle}, channels last; "
            "data.channels changes this"
        )
        return True
    looks = "seem to have their channels last" if axis == "last" else "do not show where their channels are"
    raise UserCodeError(
        f"{where}: samples of shape {shape} {looks}, but models take (channels, height, width); set data.channels = "
        '"last" to move the channels first, or "first" to leave the samples unchanged'
    )


def _check_same_format(name: str, part: InspectedSplit, train: InspectedSplit, where: str) -> None:
    if part.sample.shape != train.sample.shape:
        raise UserCodeError(
            f"{where}: samples of {name} have shape {tuple(part.sample.shape)}, those of train "
            f"{tuple(train.sample.shape)}"
        )
    kinds = _kind_of_numbers(part.sample), _kind_of_numbers(train.sample)
    if kinds[0] != kinds[1]:
        raise UserCodeError(
            f"{where}: samples of {name} are {kinds[0]}, those of train {kinds[1]}, which are read differently; use "
            "one type for all splits"
        )
    if part.outputs != train.outputs:
        raise UserCodeError(
            f"{where}: targets of {name} are {part.target_words()}, those of train {train.target_words()}"
        )


def _kind_of_numbers(sample: Tensor) -> str:
    if sample.dtype == torch.uint8:
        return "bytes (uint8)"
    return "floating-point numbers" if sample.is_floating_point() else "whole numbers"
