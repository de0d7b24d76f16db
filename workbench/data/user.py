"""What a user's function returned, taken for samples or refused with what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, TensorDataset

from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.errors import UserCodeError

EXPECTED = (
    'expected a dictionary with "train" and, if there are, "validation" and "test", each a map-style torch Dataset '
    "or a pair (inputs, targets) of tensors; or a Samples"
)
_SPLITS = ("train", "validation", "test")


def from_user(result: object, where: str) -> Samples:
    """Samples from what `where` (package.module:function) returned.

    Pairs of tensors and TensorDatasets are held in memory, other map-style datasets are read sample by sample. Raises
    UserCodeError.
    """
    if isinstance(result, Samples):
        return result
    given = _by_split(result, where)
    train = given["train"]
    first = _first_sample(train, where)
    task = _task(train, first[1], where)
    splits = {name: _split(data, task, where) for name, data in given.items()}
    kind: Literal["image", "table", "other"] = {3: "image", 1: "table"}.get(first[0].dim(), "other")  # type: ignore[assignment]
    return Samples(splits["train"], task, kind, validation=splits.get("validation"), test=splits.get("test"))


def _by_split(result: object, where: str) -> dict[str, Any]:
    if isinstance(result, Mapping):
        strange = [key for key in result if key not in _SPLITS]
        if strange or "train" not in result:
            raise UserCodeError(f"{where} returned a dictionary with the keys {list(result)}; {EXPECTED}")
        return {name: result[name] for name in _SPLITS if result.get(name) is not None}
    if _is_pair(result):
        return {"train": result}
    if isinstance(result, (tuple, list)) and 2 <= len(result) <= 3:
        names = ("train", "test") if len(result) == 2 else _SPLITS
        return dict(zip(names, result, strict=True))
    if hasattr(result, "__getitem__") and hasattr(result, "__len__"):
        return {"train": result}
    raise UserCodeError(f"{where} returned {_described(result)}; {EXPECTED}")


def _is_array(value: object) -> bool:
    return isinstance(value, (Tensor, np.ndarray))


def _is_pair(value: object) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(_is_array(part) for part in value)


def _first_sample(data: Any, where: str) -> tuple[Tensor, Any]:
    if isinstance(data, IterableDataset):
        raise UserCodeError(f"{where} returned an IterableDataset, which cannot be split or shuffled; {EXPECTED}")
    if _is_pair(data):
        data = list(zip(data[0][:1], data[1][:1], strict=False))
    if not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        raise UserCodeError(f"{where} returned {_described(data)} for the training split; {EXPECTED}")
    if len(data) == 0:
        raise UserCodeError(f"{where} returned an empty training split")
    try:
        inputs, target = data[0]
    except Exception as error:
        raise UserCodeError(f"{where}: the first sample is no pair (input, target): {error}") from error
    if not _is_array(inputs):
        raise UserCodeError(f"{where}: an input is {_described(inputs)}; a tensor is needed (use a transform)")
    return torch.as_tensor(inputs), target


def _task(train: Any, target: Any, where: str) -> Task:
    """Whole numbers are classes, others a regression."""
    value = torch.as_tensor(target)
    if value.is_floating_point():
        return Task("regression", outputs=max(value.numel(), 1))
    if value.numel() != 1:
        raise UserCodeError(f"{where}: a class target must be one whole number, not of shape {tuple(value.shape)}")
    labels = _labels(train)
    names = getattr(train, "classes", None)
    if names is not None:
        return Task("classification", outputs=len(names), classes=tuple(map(str, names)))
    if labels is None:
        raise UserCodeError(f"{where}: the dataset needs an attribute `classes`, a list of the classes' names")
    outputs = int(labels.max()) + 1
    return Task("classification", outputs=outputs, classes=tuple(map(str, range(outputs))))


def _labels(data: Any) -> Tensor | None:
    """All class labels, where they are to be had without reading every sample."""
    if _is_pair(data):
        found = data[1]
    elif isinstance(data, TensorDataset):
        found = data.tensors[1]
    else:
        found = getattr(data, "targets", None)
    return None if found is None else torch.as_tensor(np.asarray(found)).reshape(-1)


def _split(data: Any, task: Task, where: str) -> Split:
    if isinstance(data, TensorDataset):
        data = data.tensors
        if len(data) != 2:
            raise UserCodeError(f"{where}: a TensorDataset must hold inputs and targets, not {len(data)} tensors")
    if _is_pair(data):
        inputs, targets = torch.as_tensor(data[0]), torch.as_tensor(data[1])
        if len(inputs) != len(targets):
            raise UserCodeError(f"{where}: {len(inputs)} inputs but {len(targets)} targets")
        inputs = inputs if inputs.dtype == torch.uint8 else inputs.float()
        return InMemory(inputs, _checked(targets, task, where))
    labels = _labels(data) if task.kind == "classification" else None
    return Lazy(_AsTensors(data, task), None if labels is None else _checked(labels, task, where))


def _checked(targets: Tensor, task: Task, where: str) -> Tensor:
    if task.kind == "regression":
        return targets.float().reshape(len(targets), -1)
    targets = targets.long().reshape(-1)
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < task.outputs:
        raise UserCodeError(f"{where}: class numbers must be 0 to {task.outputs - 1}, found {int(targets.max())}")
    return targets


class _AsTensors:
    """A user's dataset whose samples come as tensors of the types that training wants."""

    def __init__(self, data: Any, task: Task) -> None:
        self._data = data
        self._task = task

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, target = self._data[index]
        tensor = torch.as_tensor(inputs)
        if self._task.kind == "regression":
            return _raw(tensor), torch.as_tensor(target).float().reshape(-1)
        return _raw(tensor), torch.as_tensor(target).long().reshape(())


def _raw(inputs: Tensor) -> Tensor:
    return inputs if inputs.dtype == torch.uint8 else inputs.float()


def _described(value: object) -> str:
    if _is_array(value):
        return f"an array of shape {tuple(value.shape)}"  # type: ignore[attr-defined]
    return f"{value!r}"[:60] + f" ({type(value).__name__})"
