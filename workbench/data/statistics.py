"""Mean and standard deviation of samples as the model gets them (pixels from 0 to 1), a chunk at a time."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from workbench.errors import DataError

WHITE = 255.0
"""The uint8 value that is scaled to 1."""

IMAGE_DIMENSIONS, ROW_DIMENSIONS = 3, 1
"""Dimensions of one sample: (channels, height, width), and (columns,)."""


class Statistics(Protocol):
    """Accumulates samples and computes their mean and standard deviation."""

    chunk_numbers: int
    """Numbers to add at a time: few enough to need little memory, and enough to be fast."""

    def add(self, inputs: Tensor) -> None:
        """Adds inputs (n, ...). Raises DataError if one is not finite."""

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and population standard deviation (1 instead of 0) in float64; both broadcast over a batch."""


def statistics(sample: Tensor) -> Statistics:
    """Returns the statistics for samples like this one: per channel of images, per column of rows, else overall.

    Images have three dimensions, rows one. Columns of only 0 and 1 get mean 0 and standard deviation 1, so that they
    stay unchanged.
    """
    return Histogram() if sample.dim() == IMAGE_DIMENSIONS and sample.dtype == torch.uint8 else Sums()


class Histogram:
    """For uint8 images: counts each value in each channel. Exact, in one fast pass over the pixels."""

    chunk_numbers = 2**26

    def __init__(self) -> None:
        self._counts = torch.zeros((), dtype=torch.int64)

    def add(self, inputs: Tensor) -> None:
        channels = [inputs[:, channel].reshape(-1) for channel in range(inputs.shape[1])]
        self._counts = self._counts + torch.stack([torch.bincount(values, minlength=256) for values in channels])

    def result(self) -> tuple[Tensor, Tensor]:
        values = torch.arange(256, dtype=torch.float64)
        fractions = self._counts / self._counts.sum(1, keepdim=True)
        mean = (fractions * values).sum(1, keepdim=True)
        std = (fractions * (values - mean).square()).sum(1, keepdim=True).sqrt() / WHITE
        return (mean / WHITE).reshape(1, -1, 1, 1), _or_one(std).reshape(1, -1, 1, 1)


class Sums:
    """For all other samples: float64 sums of values and squares, over the dimensions that share a mean."""

    chunk_numbers = 2**22

    def __init__(self) -> None:
        self._are_rows = False
        self._one = 1.0
        self._samples = 0
        self._count = 0
        self._shift = self._sum = self._squares = torch.zeros((), dtype=torch.float64)
        self._only_zero_and_one = torch.ones((), dtype=torch.bool)

    def add(self, inputs: Tensor) -> None:
        dimensions = inputs.dim() - 1
        dims = {IMAGE_DIMENSIONS: (0, 2, 3), ROW_DIMENSIONS: (0,)}.get(dimensions, tuple(range(inputs.dim())))
        self._are_rows = dimensions == ROW_DIMENSIONS
        values = inputs.double()
        if self._samples == 0:
            # Subtract the first value of each channel or column: otherwise the large squares of years (2020, 2021, ...)
            # would swamp their deviation, and that of a constant column would not be exactly 0.
            first = tuple(slice(1) if dim in dims else slice(None) for dim in range(values.dim()))
            self._shift = values[first].nan_to_num(posinf=0.0, neginf=0.0)
            self._one = WHITE if inputs.dtype == torch.uint8 else 1.0
        if self._are_rows:
            self._only_zero_and_one = self._only_zero_and_one & ((inputs == 0) | (inputs == self._one)).all(0)
        values = values - self._shift
        self._sum = self._sum + values.sum(dims, keepdim=True)
        if not bool(self._sum.isfinite().all()):
            raise self._not_finite(inputs)
        self._squares = self._squares + values.square_().sum(dims, keepdim=True)
        self._count += values.numel() // self._sum.numel()
        self._samples += len(inputs)

    def result(self) -> tuple[Tensor, Tensor]:
        offset = self._sum / self._count
        mean = (self._shift + offset) / self._one
        std = _or_one((self._squares / self._count - offset.square()).clamp(min=0).sqrt() / self._one)
        if self._are_rows:
            mean = torch.where(self._only_zero_and_one, 0.0, mean)
            std = torch.where(self._only_zero_and_one, 1.0, std)
        return mean, std

    def _not_finite(self, inputs: Tensor) -> DataError:
        sample, *position = (int(i) for i in (~inputs.isfinite()).nonzero()[0])
        value = float(inputs[sample][tuple(position)])
        return DataError(
            f"sample {self._samples + sample} of the training split holds {value} at {tuple(position)} (counted from "
            "0); all inputs must be finite numbers"
        )


def _or_one(std: Tensor) -> Tensor:
    return torch.where(std > 0, std, 1.0)
