"""One split that a user's function returned: inspects it, and converts it to tensors or reads it lazily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from workbench.data.label_encoder import LabelEncoder
from workbench.data.one_hot import is_one_hot
from workbench.data.samples import InMemory, Lazy, Split
from workbench.errors import UserCodeError, WorkbenchError


@dataclass(frozen=True)
class InspectedSplit:
    """What is known about a split before it is read."""

    part: Any
    where: str
    sample: Tensor
    """The first sample's inputs, uint8, float32, float64 or int64."""
    outputs: int
    """Number of values to predict per sample; 0 if the targets are classes."""
    inputs: Tensor | None
    """All inputs if they are in memory, else None."""
    targets: Tensor | None
    """All targets if they are known, else None: the data's int64 labels (n,), or floating-point (n, outputs)."""

    @property
    def all_targets(self) -> Tensor | None:
        """All known targets; for a Subset, those of its whole dataset."""
        if isinstance(self.part, Subset):
            return inspect_split(self.part.dataset, self.where).all_targets
        return self.targets

    def target_words(self) -> str:
        """Describes the targets, for messages."""
        return f"{self.outputs} floating-point numbers per sample" if self.outputs else "classes"


def inspect_split(part: Any, where: str) -> InspectedSplit:
    """Inspects a pair (inputs, targets), a TensorDataset, a Subset, or the first sample of another Dataset.

    where: its name in messages. Raises UserCodeError if it cannot be trained on.
    """
    if isinstance(part, (TensorDataset, tuple, list)):
        return _in_memory(part, where)
    if len(part) == 0:
        raise UserCodeError(f"{where}: the dataset is empty")
    if isinstance(part, Subset):
        whole = inspect_split(part.dataset, where)
        chosen = torch.as_tensor(part.indices, dtype=torch.int64)
        inputs = None if whole.inputs is None else whole.inputs[chosen]
        targets = None if whole.targets is None else whole.targets[chosen]
        return InspectedSplit(part, where, whole.sample, whole.outputs, inputs, targets)
    sample, target = read_sample(part, 0, where)
    outputs = len(target) if target.is_floating_point() else 0
    return InspectedSplit(part, where, sample, outputs, None, _known_targets(part, target))


def as_split(inspected: InspectedSplit, encoder: LabelEncoder | None, *, channels_last: bool) -> Split:
    """Converts the samples to a split for training.

    encoder: maps labels to classes; None for a regression. channels_last: samples are (height, width, channels), and
    their channels are moved first. Raises UserCodeError if a known label is not one of the task's.
    """
    targets = inspected.targets
    if targets is not None and encoder is not None:
        targets = encoder(targets, inspected.where)
    if inspected.inputs is not None and targets is not None:
        inputs = inspected.inputs.movedim(-1, 1).contiguous() if channels_last else inspected.inputs
        return InMemory(inputs, targets)
    return Lazy(UserSamples(inspected.part, inspected.where, encoder, channels_last), targets)


def unwrap(part: Any) -> Any:
    """The dataset below nested Subsets."""
    while isinstance(part, Subset):
        part = part.dataset
    return part


@dataclass(frozen=True)
class UserSamples:
    """A user's dataset with samples converted to the tensors for training; picklable for a DataLoader's workers."""

    dataset: Any
    where: str
    encoder: LabelEncoder | None
    """Maps labels to classes; None for a regression."""
    channels_last: bool
    """Whether samples have their channels last and these are moved first."""

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, target = read_sample(self.dataset, index, self.where)
        if target.is_floating_point() != (self.encoder is None):
            expected = "a floating-point number" if self.encoder is None else "a class, a whole number"
            raise UserCodeError(f"{self.where}: the target of sample {index} is not {expected}, like that of the first")
        if self.encoder is not None:
            target = self.encoder(target, f"{self.where}, sample {index}")
        return inputs.movedim(-1, 0) if self.channels_last else inputs, target


def read_sample(dataset: Any, index: int, where: str) -> tuple[Tensor, Tensor]:
    """Reads a sample: its inputs, and its target, int64 () or floating-point (outputs,). Raises UserCodeError."""
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
            f"{where}: inputs are a {type(inputs).__name__}; they must be a tensor or an array "
            "(torchvision.transforms.PILToTensor converts an image)"
        )
    target = _tensor(sample[1], where).squeeze()
    if target.dim() > 1 or (target.dim() == 1 and not target.is_floating_point()):
        raise UserCodeError(
            f"{where}: its target has shape {tuple(target.shape)} and type {target.dtype}; it must be a class, one "
            f"whole number, or floating-point numbers, shape () or (outputs,){_one_hot_hint(target.unsqueeze(0))}"
        )
    return _inputs(_tensor(inputs, where)), _rows(target, 1)[0] if target.is_floating_point() else target.long()


def _in_memory(part: Any, where: str) -> InspectedSplit:
    tensors = part.tensors if isinstance(part, TensorDataset) else part
    if len(tensors) != 2:
        raise UserCodeError(f"{where}: the TensorDataset holds {len(tensors)} tensors; it must be inputs and targets")
    inputs, targets = _inputs(_tensor(tensors[0], where)), _tensor(tensors[1], where)
    if inputs.dim() < 2 or len(inputs) == 0:
        raise UserCodeError(
            f"{where}: inputs have shape {tuple(inputs.shape)}; it must be (samples, ...) and not empty"
        )
    if targets.dim() == 0 or len(targets) != len(inputs):
        raise UserCodeError(f"{where}: inputs have shape {tuple(inputs.shape)}, but targets {tuple(targets.shape)}")
    if targets.is_floating_point():
        numbers = _rows(targets, len(targets))
        check_not_one_hot(numbers, where)
        return InspectedSplit(part, where, inputs[0], numbers.shape[1], inputs, numbers)
    if targets.numel() != len(targets):
        raise UserCodeError(
            f"{where}: targets have type {targets.dtype} and shape {tuple(targets.shape)}; classes are one whole "
            f"number per sample, numbers to predict are floating-point{_one_hot_hint(targets)}"
        )
    return InspectedSplit(part, where, inputs[0], 0, inputs, targets.long().reshape(-1))


def _known_targets(dataset: Any, first: Tensor) -> Tensor | None:
    """All targets if the dataset lists them as `targets`, as torchvision's do; None if the list is not reliable."""
    # A transform gives samples other targets than those in the list.
    if getattr(dataset, "targets", None) is None or getattr(dataset, "target_transform", None) is not None:
        return None
    try:
        listed = torch.as_tensor(np.asarray(dataset.targets))
        listed = _rows(listed, len(listed)) if first.is_floating_point() else listed.reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        return None
    if len(listed) != len(dataset) or listed.is_floating_point() != first.is_floating_point():
        return None
    return listed.to(first.dtype) if torch.equal(listed[0].to(first.dtype), first) else None


def check_not_one_hot(targets: Tensor, where: str) -> None:
    """Raises UserCodeError if floating-point targets (n, outputs) are one-hot encoded classes."""
    if is_one_hot(targets):
        raise UserCodeError(
            f"{where}: targets of shape {tuple(targets.shape)} look one-hot, 1 for the class and 0 elsewhere; return "
            "class numbers, targets.argmax(1)"
        )


def _one_hot_hint(targets: Tensor) -> str:
    # As int64: torch does not compare all integer types.
    return ". They look one-hot: return class numbers, targets.argmax(1)" * is_one_hot(targets.long())


def _rows(targets: Tensor, samples: int) -> Tensor:
    """Reshapes regression targets to (samples, outputs); float64 stays, others become float32."""
    return (targets if targets.dtype == torch.float64 else targets.float()).reshape(samples, -1)


def _inputs(inputs: Tensor) -> Tensor:
    """Keeps uint8, float32 and float64; converts other integers to int64, everything else to float32."""
    if inputs.dtype in (torch.uint8, torch.float64):
        return inputs
    whole = not (inputs.is_floating_point() or inputs.dtype == torch.bool)
    return inputs.long() if whole else inputs.float()


def _tensor(value: Any, where: str) -> Tensor:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise UserCodeError(f"{where}: a masked array has missing values; fill or drop them")
    try:
        # Contiguous: tensors have no negative strides.
        tensor = torch.as_tensor(np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserCodeError(f"{where}: a {type(value).__name__} cannot be converted to a tensor: {error}") from error
    if tensor.is_complex():
        raise UserCodeError(
            f"{where}: complex numbers cannot be trained on; return real and imaginary parts as two numbers"
        )
    return tensor.detach().cpu()
