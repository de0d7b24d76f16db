"""From raw samples to model input: float32, and standardised as measured on the training split alone."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from workbench.data.samples import InMemory, Split
from workbench.errors import DataError

CHUNK = 4096
"""Samples looked at together, so that measuring needs little memory."""
LAZY_SAMPLES = 2048
"""How many samples of a data set that is read one by one are looked at."""


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
        statistics = _Statistics(kind)
        for chunk in _chunks(train):
            statistics.add(_to_float(chunk))
        mean, std = statistics.result()
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
        targets = (
            train.targets if train.targets is not None else torch.stack([train[i][1] for i in _spaced(len(train))])
        )
        if not bool(targets.isfinite().all()):
            raise DataError("a target of the training split is not a finite number")
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


class _Statistics:
    """Sums of values and squares over the dimensions that share a mean."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._count = 0
        self._sum: Tensor | None = None
        self._squares: Tensor | None = None
        self._only_zero_and_one: Tensor | None = None

    def add(self, values: Tensor) -> None:
        dims = {"image": (0, 2, 3), "table": (0,)}.get(self._kind, tuple(range(values.dim())))
        total, squares = values.sum(dims, keepdim=True).double(), values.square().sum(dims, keepdim=True).double()
        if not bool(squares.isfinite().all()):
            raise DataError("an input of the training split is not a finite number (or too large for float32)")
        binary = ((values == 0) | (values == 1)).all(0, keepdim=True) if self._kind == "table" else None
        first = self._sum is None or self._squares is None
        self._sum = total if first else self._sum + total  # type: ignore[operator]
        self._squares = squares if first else self._squares + squares  # type: ignore[operator]
        if binary is not None:
            self._only_zero_and_one = binary if first else self._only_zero_and_one & binary  # type: ignore[operator]
        self._count += values.numel() // total.numel()

    def result(self) -> tuple[Tensor, Tensor]:
        assert self._sum is not None
        assert self._squares is not None
        mean = self._sum / self._count
        std = (self._squares / self._count - mean.square()).clamp(min=0).sqrt()
        std = torch.where(std > 1e-6 * mean.abs(), std, 1.0)
        if self._only_zero_and_one is not None:
            mean = torch.where(self._only_zero_and_one, 0.0, mean)
            std = torch.where(self._only_zero_and_one, 1.0, std)
        return mean.float(), std.float()


def _to_float(inputs: Tensor) -> Tensor:
    return inputs.float() / 255 if inputs.dtype == torch.uint8 else inputs.float()


def _chunks(split: Split) -> list[Tensor]:
    if isinstance(split, InMemory):
        return list(split.inputs.split(CHUNK))
    return [split[index][0].unsqueeze(0) for index in _spaced(len(split))]


def _spaced(samples: int) -> list[int]:
    step = max(samples // LAZY_SAMPLES, 1)
    return list(range(0, samples, step))
