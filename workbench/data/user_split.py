"""One split that a user's function returned: looked at once, then as tensors or read sample by sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from workbench.data.class_numbers import ClassNumbers
from workbench.data.one_hot import is_one_hot
from workbench.data.samples import InMemory, Lazy, Split
from workbench.errors import UserCodeError, WorkbenchError


@dataclass(frozen=True)
class Given:
    """What is known of a split after a look at it."""

    part: Any
    where: str
    sample: Tensor
    """The first sample's inputs, uint8, float32, float64 or int64."""
    outputs: int
    """Numbers to predict; 0 if the targets are classes."""
    inputs: Tensor | None
    """All inputs, where they are in memory."""
    targets: Tensor | None
    """All targets, where they are known: int64 (n,), as the data has them, or floating-point (n, outputs)."""

    @property
    def all_targets(self) -> Tensor | None:
        """All targets of the data set, of which a Subset has some, where they are known."""
        if isinstance(self.part, Subset):
            return look_at(self.part.dataset, self.where).all_targets
        return self.targets

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


def as_split(given: Given, numbers: ClassNumbers | None, *, channels_last: bool) -> Split:
    """The samples, for training.

    numbers: of the classes; None for a regression. channels_last: samples (height, width, channels) get their channels
    first. Raises UserCodeError where a class that is known already is none of the task's.
    """
    targets = given.targets
    if targets is not None and numbers is not None:
        targets = numbers(targets, given.where)
    if given.inputs is not None and targets is not None:
        inputs = given.inputs.movedim(-1, 1).contiguous() if channels_last else given.inputs
        return InMemory(inputs, targets)
    return Lazy(UserSamples(given.part, given.where, numbers, channels_last), targets)


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
    numbers: ClassNumbers | None
    """Of the classes; None for a regression."""
    channels_last: bool
    """Whether samples have their channels last, as the model does not."""

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, target = read_sample(self.dataset, index, self.where)
        if target.is_floating_point() != (self.numbers is None):
            expected = "a floating-point number" if self.numbers is None else "a class, a whole number"
            raise UserCodeError(
                f"{self.where}: the target of sample {index} is not {expected}, as that of the first is"
            )
        if self.numbers is not None:
            target = self.numbers(target, f"{self.where}, sample {index}")
        return inputs.movedim(-1, 0) if self.channels_last else inputs, target


def read_sample(dataset: Any, index: int, where: str) -> tuple[Tensor, Tensor]:
    """A sample's inputs, and its target: int64 () or floating-point (outputs,). Raises UserCodeError."""
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
            f"whole number, or floating-point numbers, shape () or (outputs,){_one_hot_hint(target.unsqueeze(0))}"
        )
    return _inputs(_tensor(inputs, where)), _numbers(target, 1)[0] if target.is_floating_point() else target.long()


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
        numbers = _numbers(targets, len(targets))
        check_not_one_hot(numbers, where)
        return Given(part, where, inputs[0], numbers.shape[1], inputs, numbers)
    if targets.numel() != len(targets):
        raise UserCodeError(
            f"{where}: targets have type {targets.dtype} and shape {tuple(targets.shape)}; classes are one whole "
            f"number a sample, numbers to predict are floating-point{_one_hot_hint(targets)}"
        )
    return Given(part, where, inputs[0], 0, inputs, targets.long().reshape(-1))


def _known_targets(dataset: Any, first: Tensor) -> Tensor | None:
    """All targets where the data set lists them as `targets`, as torchvision's do; None if that cannot be relied on."""
    # What the list holds is not what the samples have if these go through a transform.
    if getattr(dataset, "targets", None) is None or getattr(dataset, "target_transform", None) is not None:
        return None
    try:
        listed = torch.as_tensor(np.asarray(dataset.targets))
        listed = _numbers(listed, len(listed)) if first.is_floating_point() else listed.reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        return None
    if len(listed) != len(dataset) or listed.is_floating_point() != first.is_floating_point():
        return None
    return listed.to(first.dtype) if torch.equal(listed[0].to(first.dtype), first) else None


def check_not_one_hot(targets: Tensor, where: str) -> None:
    """Raises UserCodeError where floating-point targets (n, outputs) are classes, each a row with a single 1."""
    if is_one_hot(targets):
        raise UserCodeError(
            f"{where}: targets of shape {tuple(targets.shape)} look one-hot, 1 for the class and 0 elsewhere; return "
            "the numbers of the classes, targets.argmax(1)"
        )


def _one_hot_hint(targets: Tensor) -> str:
    # As int64: not all comparisons know all types of whole numbers.
    return ". They look one-hot: return the numbers of the classes, targets.argmax(1)" * is_one_hot(targets.long())


def _numbers(targets: Tensor, samples: int) -> Tensor:
    """Numbers to predict, (samples, outputs): float64 stays, for float32 may not tell its values apart."""
    return (targets if targets.dtype == torch.float64 else targets.float()).reshape(samples, -1)


def _inputs(inputs: Tensor) -> Tensor:
    """Bytes, float32 and float64 stay as they are, whole numbers become int64, all others float32."""
    if inputs.dtype in (torch.uint8, torch.float64):
        return inputs
    whole = not (inputs.is_floating_point() or inputs.dtype == torch.bool)
    return inputs.long() if whole else inputs.float()


def _tensor(value: Any, where: str) -> Tensor:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise UserCodeError(f"{where}: a masked array has values that are missing; fill or drop them")
    try:
        # An array may run backwards, which a tensor cannot.
        tensor = torch.as_tensor(np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserCodeError(f"{where}: a {type(value).__name__} cannot be made a tensor: {error}") from error
    if tensor.is_complex():
        raise UserCodeError(f"{where}: complex numbers cannot be trained on; give their parts as two numbers")
    return tensor.detach().cpu()
