"""One split that a user's function returned: looked at once, then as tensors or read sample by sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from workbench.data.samples import InMemory, Lazy, Split, Task
from workbench.errors import UserCodeError, WorkbenchError


@dataclass(frozen=True)
class Given:
    """What is known of a split after a look at it."""

    part: Any
    where: str
    sample: Tensor
    """The first sample's inputs, uint8 or float32."""
    outputs: int
    """Numbers to predict; 0 if the targets are classes."""
    inputs: Tensor | None
    """All inputs, where they are in memory."""
    targets: Tensor | None
    """All targets, where they are known: int64 (n,) or float32 (n, outputs)."""

    @property
    def classes(self) -> int:
        """One more than the highest class in the data set, of which a Subset may have less; 0 if not known."""
        if isinstance(self.part, Subset):
            return look_at(self.part.dataset, self.where).classes
        return 0 if self.targets is None or self.outputs else int(self.targets.max()) + 1

    def target_words(self) -> str:
        """What the targets are, for messages."""
        return f"{self.outputs} floating-point numbers a sample" if self.outputs else "classes"


def look_at(part: Any, where: str) -> Given:
    """Looks at a pair (inputs, targets), a TensorDataset, a Subset, or at the first sample of another Dataset.

    where: how messages name it. Raises UserCodeError where it cannot be trained on.
    """
    if isinstance(part, (TensorDataset, tuple, list)):
        return _in_memory(part, where)
    if len(part) == 0:
        raise UserCodeError(f"{where}: the dataset is empty")
    if isinstance(part, Subset):
        whole = look_at(part.dataset, where)
        chosen = torch.as_tensor(part.indices, dtype=torch.int64)
        inputs = None if whole.inputs is None else whole.inputs[chosen]
        targets = None if whole.targets is None else whole.targets[chosen]
        return Given(part, where, whole.sample, whole.outputs, inputs, targets)
    sample, target = read_sample(part, 0, where)
    outputs = len(target) if target.is_floating_point() else 0
    return Given(part, where, sample, outputs, None, _known_targets(part, target))


def as_split(given: Given, task: Task) -> Split:
    """The samples, for training. Raises UserCodeError where a class that is known already is none of the task's."""
    if given.targets is not None and task.kind == "classification":
        check_classes(given.targets, task.outputs, given.where)
    if given.inputs is not None and given.targets is not None:
        return InMemory(given.inputs, given.targets)
    classes = task.outputs if task.kind == "classification" else 0
    return Lazy(UserSamples(given.part, given.where, classes), given.targets)


def unwrap(part: Any) -> Any:
    """The data set below Subsets of it."""
    while isinstance(part, Subset):
        part = part.dataset
    return part


@dataclass(frozen=True)
class UserSamples:
    """A user's data set, whose samples come as the tensors that training wants; a loader's worker can be sent it."""

    dataset: Any
    where: str
    classes: int
    """How many there are; 0 for a regression."""

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, target = read_sample(self.dataset, index, self.where)
        if target.is_floating_point() == bool(self.classes):
            expected = "a class, a whole number" if self.classes else "a floating-point number"
            raise UserCodeError(
                f"{self.where}: the target of sample {index} is not {expected}, as that of the first is"
            )
        if self.classes:
            check_classes(target, self.classes, f"{self.where}, sample {index}")
        return inputs, target


def check_classes(targets: Tensor, classes: int, where: str) -> None:
    """Raises UserCodeError unless all are from 0 to classes - 1: a GPU would stop at another without a word."""
    if targets.numel() and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        wrong = targets[(targets < 0) | (targets >= classes)].reshape(-1)[0]
        raise UserCodeError(f"{where}: class {int(wrong)} is none of the {classes} classes, 0 to {classes - 1}")


def read_sample(dataset: Any, index: int, where: str) -> tuple[Tensor, Tensor]:
    """A sample as uint8 or float32 inputs, and its target: int64 () or float32 (outputs,). Raises UserCodeError."""
    where = f"{where}, sample {index}"
    try:
        sample = dataset[index]
    except WorkbenchError:
        raise
    except Exception as error:
        raise UserCodeError(f"{where}: reading it raised {type(error).__name__}: {error}") from error
    if not isinstance(sample, (tuple, list)) or len(sample) != 2:
        raise UserCodeError(f"{where} is a {type(sample).__name__}; it must be a pair (inputs, target)")
    inputs = sample[0]
    if not isinstance(inputs, (Tensor, np.ndarray)):
        raise UserCodeError(
            f"{where}: inputs are a {type(inputs).__name__}; they must be a tensor or an array (of an image, "
            "torchvision.transforms.PILToTensor makes one)"
        )
    target = _tensor(sample[1], where).squeeze()
    if target.dim() > 1 or (target.dim() == 1 and not target.is_floating_point()):
        raise UserCodeError(
            f"{where}: its target has shape {tuple(target.shape)} and type {target.dtype}; it must be a class, one "
            "whole number, or floating-point numbers, shape () or (outputs,)"
        )
    return _inputs(_tensor(inputs, where)), target.float().reshape(-1) if target.is_floating_point() else target.long()


def _in_memory(part: Any, where: str) -> Given:
    tensors = part.tensors if isinstance(part, TensorDataset) else part
    if len(tensors) != 2:
        raise UserCodeError(f"{where}: the TensorDataset holds {len(tensors)} tensors; it must be inputs and targets")
    inputs, targets = _inputs(_tensor(tensors[0], where)), _tensor(tensors[1], where)
    if inputs.dim() < 2 or len(inputs) == 0:
        raise UserCodeError(
            f"{where}: inputs have shape {tuple(inputs.shape)}; it must be (samples, ...), some of each"
        )
    if targets.dim() == 0 or len(targets) != len(inputs):
        raise UserCodeError(f"{where}: inputs have shape {tuple(inputs.shape)}, but targets {tuple(targets.shape)}")
    if targets.is_floating_point():
        numbers = targets.float().reshape(len(targets), -1)
        return Given(part, where, inputs[0], numbers.shape[1], inputs, numbers)
    if targets.numel() != len(targets):
        raise UserCodeError(
            f"{where}: targets have type {targets.dtype} and shape {tuple(targets.shape)}; classes are one whole "
            "number a sample, numbers to predict are floating-point"
        )
    classes = targets.long().reshape(-1)
    if int(classes.min()) < 0:
        raise UserCodeError(f"{where}: class {int(classes.min())} among the targets; classes are numbered from 0")
    return Given(part, where, inputs[0], 0, inputs, classes)


def _known_targets(dataset: Any, first: Tensor) -> Tensor | None:
    """All targets where the data set lists them as `targets`, as torchvision's do; None if that cannot be relied on."""
    # What the list holds is not what the samples have if these go through a transform.
    if getattr(dataset, "targets", None) is None or getattr(dataset, "target_transform", None) is not None:
        return None
    try:
        listed = torch.as_tensor(np.asarray(dataset.targets))
        listed = listed.float().reshape(len(listed), -1) if first.is_floating_point() else listed.reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        return None
    if len(listed) != len(dataset) or listed.is_floating_point() != first.is_floating_point():
        return None
    return listed.to(first.dtype) if torch.equal(listed[0].to(first.dtype), first) else None


def _inputs(inputs: Tensor) -> Tensor:
    return inputs if inputs.dtype == torch.uint8 else inputs.float()


def _tensor(value: Any, where: str) -> Tensor:
    try:
        # An array may run backwards, which a tensor cannot.
        tensor = torch.as_tensor(np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserCodeError(f"{where}: a {type(value).__name__} cannot be made a tensor: {error}") from error
    return tensor.detach().cpu()
