"""What a user's function returned, taken for samples or refused with what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from torch import Tensor

from workbench.data.samples import Samples, Split, Task
from workbench.data.user_split import Given, as_split, look_at, unwrap
from workbench.errors import UserCodeError

NAMES = ("train", "validation", "test")

EXPECTED = (
    'it must return a dictionary with "train" and perhaps "validation" and "test", each a map-style torch Dataset or a '
    "pair (inputs, targets) of tensors or arrays; or (train, test) or (train, validation, test); or one of these alone"
)


def from_user(result: object, where: str) -> Samples:
    """Samples from what `where` (package.module:function) returned.

    That may be a Samples; one data set, which is then split; (train, test); (train, validation, test), None standing
    for what there is not; or a dictionary of them. A data set is a map-style torch Dataset, or a pair (inputs,
    targets) of tensors or arrays. Pairs, TensorDatasets and Subsets of them are held in memory; all others are read
    sample by sample. Samples of 3 dimensions are images, (channels, height, width); of 1 dimension rows of a table.
    Whole numbers as targets are classes, others a regression.

    A Dataset whose targets are classes needs an attribute `classes`, their names or their number, unless it has
    `targets`, the class of each sample. Raises UserCodeError, which says what was returned and what is expected.
    """
    if isinstance(result, Samples):
        return result
    parts = {name: look_at(part, f"{where}, {name}") for name, part in _parts(result, where).items()}
    train = parts["train"]
    task = _task(train, where)
    splits: dict[str, Split] = {}
    for name, part in parts.items():
        _check_alike(name, part, train, where)
        splits[name] = as_split(part, task)
    return Samples(splits["train"], task, _kind(train), validation=splits.get("validation"), test=splits.get("test"))


def _parts(result: object, where: str) -> dict[str, Any]:
    """The splits by name, as yet of any type."""
    if isinstance(result, Mapping):
        if "train" not in result or not set(result) <= set(NAMES):
            raise UserCodeError(f"{where} returned a dictionary with the keys {list(result)}; {EXPECTED}")
        parts = dict(result)
    elif isinstance(result, (tuple, list)) and not _is_pair(result):
        if len(result) not in (2, 3):
            raise UserCodeError(f"{where} returned {len(result)} things; {EXPECTED}")
        parts = dict(zip(NAMES if len(result) == 3 else ("train", "test"), result, strict=True))
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


def _task(train: Given, where: str) -> Task:
    """What there is to learn, from the training split alone."""
    if train.outputs:
        names = tuple(f"target[{index}]" for index in range(train.outputs))
        return Task("regression", train.outputs, targets=names)
    named = getattr(unwrap(train.part), "classes", None)
    if named is not None:
        classes = tuple(map(str, range(named) if isinstance(named, int) else named))
    elif train.classes:
        classes = tuple(map(str, range(train.classes)))
    else:
        raise UserCodeError(
            f"{where}: how many classes are there? Reading all samples to find out may take long: give the dataset "
            "an attribute `classes`, the list of their names or their number"
        )
    if len(classes) < 2:
        raise UserCodeError(f"{where}: there is only one class, and nothing to learn")
    return Task("classification", len(classes), classes=classes)


def _check_alike(name: str, part: Given, train: Given, where: str) -> None:
    if part.sample.shape != train.sample.shape:
        raise UserCodeError(
            f"{where}: samples of {name} have shape {tuple(part.sample.shape)}, those of train "
            f"{tuple(train.sample.shape)}"
        )
    if part.outputs != train.outputs:
        raise UserCodeError(
            f"{where}: targets of {name} are {part.target_words()}, those of train {train.target_words()}"
        )


def _kind(train: Given) -> Literal["image", "table", "other"]:
    if train.sample.dim() == 3:
        return "image"
    return "table" if train.sample.dim() == 1 else "other"
