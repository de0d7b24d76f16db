"""Fits the encoding of numbers: standardisation with the statistics of the training split alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from workbench.data.encoding import Encoding, Identity, Standardize
from workbench.data.samples import InMemory, Lazy
from workbench.data.statistics import statistics
from workbench.errors import DataError

LAZY_SAMPLES = 2048
"""The most samples that are read to fit the encoding of a lazily read data set."""

Normalize = Literal["standard", "none"]


def standardize(train: InMemory | Lazy, normalize: Normalize) -> Encoding:
    """Measures mean and standard deviation: per channel of images (c, h, w), per column of rows (columns,), or overall.

    Columns of only 0 and 1 stay unchanged, and so do ids (int64). normalize: "none" only scales pixels to 0 to 1.
    Raises DataError if an input is not finite.
    """
    sample = train[0][0]
    if sample.dtype == torch.int64:
        return Identity()
    measured = statistics(sample)
    for chunk in _chunks(train, measured.chunk_numbers):
        measured.add(chunk)
    mean, std = measured.result()
    if normalize == "none":
        mean, std = torch.zeros_like(mean), torch.ones_like(std)
    dtype = torch.float64 if sample.dtype == torch.float64 else torch.float32
    return Standardize(mean.to(dtype), std.to(dtype))


def _chunks(split: InMemory | Lazy, numbers: int) -> Iterator[Tensor]:
    rows = max(numbers // max(split[0][0].numel(), 1), 1)
    if isinstance(split, InMemory):
        yield from split.inputs.split(rows)
        return
    indices = spaced(len(split), LAZY_SAMPLES)
    for start in range(0, len(indices), rows):
        samples = [split[index][0] for index in indices[start : start + rows]]
        for sample, index in zip(samples, indices[start:], strict=False):
            if sample.shape != samples[0].shape:
                raise DataError(
                    f"samples of the training split differ in shape: {tuple(sample.shape)} (number {index}) and "
                    f"{tuple(samples[0].shape)}; give all the same shape"
                )
        yield torch.stack(samples)


def spaced(samples: int, most: int) -> list[int]:
    """Returns at most `most` evenly spaced indices."""
    count = min(samples, most)
    return [index * samples // count for index in range(count)]
