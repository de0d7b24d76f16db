"""From raw samples to model input: float32, and standardised as measured on the training split alone.

Numbers that float32 cannot tell apart (20230103, a time in seconds, prices around 1e9) come as float64. They are
standardised on the host, in float64, and only then become float32: a device sees nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from workbench.data.samples import InMemory, Lazy, SampleSequence, Split
from workbench.data.statistics import statistics
from workbench.errors import DataError

LAZY_SAMPLES = 2048
"""Of a data set that is read one by one, so many samples are looked at."""

HOST_CHUNK = 8192
"""Samples that are made float32 at a time: the work in between needs little memory."""


class Preparation(nn.Module):
    """Turns a raw batch, on whichever device this module is on, into model input."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std broadcast over a batch; float64 for samples in float64, else float32."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Tensor:
        """uint8, float32 or float64 (n, ...) to float32 (n, ...); pixel values become 0 to 1 first. int64 stays."""
        if inputs.dtype == torch.int64:
            return inputs
        values = inputs.float() / 255 if inputs.dtype == torch.uint8 else inputs
        return ((values.to(self.mean.dtype) - self.mean) / self.std).float()

    @property
    def is_exact(self) -> bool:
        """Whether it is for samples in float64, and so for the host alone."""
        return self.mean.dtype == torch.float64

    @classmethod
    def identity(cls) -> Preparation:
        """Leaves float32 and int64 as they are: for ids, and for samples that have been prepared already."""
        return cls(torch.zeros(()), torch.ones(()))

    @classmethod
    def fit(
        cls, train: Split, kind: Literal["image", "table", "other"], normalize: Literal["standard", "none"]
    ) -> Preparation:
        """Measures mean and deviation: per channel of images, per column of tables, over all of other samples.

        Columns of a table that hold only 0 and 1 stay as they are. Raises DataError where an input is not finite.
        """
        sample = train[0][0]
        if sample.dtype == torch.int64:
            return cls.identity()
        measured = statistics(sample, kind)
        for chunk in _chunks(train, measured.chunk_numbers):
            measured.add(chunk)
        mean, std = measured.result()
        if normalize == "none":
            mean, std = torch.zeros_like(mean), torch.ones_like(std)
        dtype = torch.float64 if sample.dtype == torch.float64 else torch.float32
        return cls(mean.to(dtype), std.to(dtype))


class TargetScale(nn.Module):
    """Standardises the targets of a regression while training, and undoes it for metrics; both in float64."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std: one number a target column. They stay on the host: Metal has no float64."""
        super().__init__()
        self.register_buffer("mean", mean.double())
        self.register_buffer("std", std.double())

    @classmethod
    def fit(cls, train: Split, standardize: bool) -> TargetScale:
        """Measures the training split's targets. Raises DataError where one is not finite."""
        targets = train.targets
        if targets is None:
            targets = torch.stack([train[index][1] for index in _spaced(len(train))])
        if not bool(targets.isfinite().all()):
            sample = int((~targets.isfinite()).nonzero()[0, 0])
            raise DataError(f"target {sample} (counted from 0) of the training split is not a finite number")
        if not standardize:
            return cls(torch.zeros(targets.shape[1]), torch.ones(targets.shape[1]))
        # Less the first, so that a constant column has no deviation at all.
        first = targets[:1].double()
        offsets = targets.double() - first
        std = offsets.std(0, correction=0)
        return cls(first[0] + offsets.mean(0), torch.where(std > 0, std, 1.0))

    def apply_to(self, targets: Tensor) -> Tensor:
        """Targets on the host, (n, outputs) or (outputs,), in units of the training split's deviation: float32."""
        return ((targets.double() - self.mean) / self.std).float()

    def undo(self, values: Tensor) -> Tensor:
        """Standardised values (n, outputs) back in the data's own units: float64, on the device of `values`."""
        return values.double() * self.std.to(values.device) + self.mean.to(values.device)


def on_host(split: Split, preparation: Preparation | None, target_scale: TargetScale | None) -> Split:
    """The samples as float32, of what is in float64: inputs by `preparation`, targets by `target_scale`, if given."""
    if preparation is None and target_scale is None:
        return split
    if isinstance(split, Lazy):
        return Lazy(_OnHost(split.dataset, preparation, target_scale), split.targets, split.indices)
    inputs, targets = split.inputs, split.targets
    if preparation is not None:
        inputs = torch.empty(split.inputs.shape, dtype=torch.float32)
        for raw, made in zip(split.inputs.split(HOST_CHUNK), inputs.split(HOST_CHUNK), strict=True):
            made.copy_(preparation(raw))
    return InMemory(inputs, targets if target_scale is None else target_scale.apply_to(targets))


def in_float32(split: Split) -> Split:
    """Inputs in memory in float64 as float32: beside training inputs in float32 they need no more digits, and Metal
    has no float64."""
    if isinstance(split, InMemory) and split.inputs.dtype == torch.float64:
        return InMemory(split.inputs.float(), split.targets)
    return split


def as_measures(split: Split) -> Split:
    """Whole numbers, int64, as float64: for models that take measures, not ids."""
    if isinstance(split, Lazy):
        return Lazy(_Measures(split.dataset), split.targets, split.indices)
    return InMemory(split.inputs.double(), split.targets)


@dataclass(frozen=True)
class _Measures:
    """Samples that are read one by one, with inputs in float64; a loader's worker can be sent it."""

    dataset: SampleSequence

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, target = self.dataset[index]
        return inputs.double(), target


@dataclass(frozen=True)
class _OnHost:
    """Samples that are read one by one, each made float32 when it is read; a loader's worker can be sent it."""

    dataset: SampleSequence
    preparation: Preparation | None
    target_scale: TargetScale | None

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, target = self.dataset[index]
        if self.preparation is not None:
            inputs = self.preparation(inputs.unsqueeze(0))[0]
        return inputs, target if self.target_scale is None else self.target_scale.apply_to(target)


def _chunks(split: Split, numbers: int) -> Iterator[Tensor]:
    rows = max(numbers // max(split[0][0].numel(), 1), 1)
    if isinstance(split, InMemory):
        yield from split.inputs.split(rows)
        return
    indices = _spaced(len(split))
    for start in range(0, len(indices), rows):
        samples = [split[index][0] for index in indices[start : start + rows]]
        for sample, index in zip(samples, indices[start:], strict=False):
            if sample.shape != samples[0].shape:
                raise DataError(
                    f"samples of the training split differ in shape: {tuple(sample.shape)} (number {index}), and "
                    f"{tuple(samples[0].shape)}; make all alike"
                )
        yield torch.stack(samples)


def _spaced(samples: int) -> list[int]:
    """At most LAZY_SAMPLES indices, evenly over all."""
    count = min(samples, LAZY_SAMPLES)
    return [index * samples // count for index in range(count)]
