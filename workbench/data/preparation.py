"""From raw samples to model input: float32, and standardised as measured on the training split alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from workbench.data.samples import InMemory, Split
from workbench.data.statistics import statistics
from workbench.errors import DataError

LAZY_SAMPLES = 2048
"""Of a data set that is read one by one, so many samples are looked at."""


class Preparation(nn.Module):
    """Turns a raw batch, on whichever device this module is on, into model input."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std are float32 and broadcast over a batch."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Tensor:
        """uint8 or float32 (n, ...) to float32 (n, ...); pixel values become 0 to 1 first."""
        return (_to_float(inputs) - self.mean) / self.std

    @classmethod
    def fit(
        cls, train: Split, kind: Literal["image", "table", "other"], normalize: Literal["standard", "none"]
    ) -> Preparation:
        """Measures mean and deviation: per channel of images, per column of tables, over all of other samples.

        Columns of a table that hold only 0 and 1 stay as they are. Raises DataError where an input is not finite.
        """
        measured = statistics(train[0][0], kind)
        for chunk in _chunks(train, measured.chunk_numbers):
            measured.add(chunk)
        mean, std = measured.result()
        if normalize == "none":
            mean, std = torch.zeros_like(mean), torch.ones_like(std)
        return cls(mean, std)


class TargetScale(nn.Module):
    """Standardises the targets of a regression while training, and undoes it for metrics."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std: float32, one number a target column."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

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
        std = targets.double().std(0, correction=0)
        return cls(targets.double().mean(0).float(), torch.where(std > 0, std, 1.0).float())

    def apply_to(self, targets: Tensor) -> Tensor:
        """Targets (n, outputs) in units of the training split's deviation."""
        return (targets - self.mean) / self.std

    def undo(self, values: Tensor) -> Tensor:
        """Standardised values (n, outputs) back in the data's own units."""
        return values * self.std + self.mean


def _to_float(inputs: Tensor) -> Tensor:
    return inputs.float() / 255 if inputs.dtype == torch.uint8 else inputs.float()


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
