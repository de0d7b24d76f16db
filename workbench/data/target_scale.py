"""Standardises regression targets: mean 0 and standard deviation 1 while training, the data's own units in metrics."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.data.samples import Split
from workbench.data.standardize import LAZY_SAMPLES, spaced
from workbench.errors import DataError


class TargetScale(nn.Module):
    """Standardises regression targets for training, and scales values back for metrics; both in float64."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std: shape (outputs,). They stay on the host: Metal has no float64."""
        super().__init__()
        self.register_buffer("mean", mean.double())
        self.register_buffer("std", std.double())

    @classmethod
    def fit(cls, train: Split, standardize: bool) -> TargetScale:
        """Measures the training split's targets. Raises DataError if one is not finite."""
        targets = train.targets
        if targets is None:
            targets = torch.stack([train[index][1] for index in spaced(len(train), LAZY_SAMPLES)])
        if not bool(targets.isfinite().all()):
            sample = int((~targets.isfinite()).nonzero()[0, 0])
            raise DataError(f"target {sample} (counted from 0) of the training split is not a finite number")
        if not standardize:
            return cls(torch.zeros(targets.shape[1]), torch.ones(targets.shape[1]))
        # Subtract the first target, so that the deviation of a constant column is exactly 0.
        first = targets[:1].double()
        offsets = targets.double() - first
        std = offsets.std(0, correction=0)
        return cls(first[0] + offsets.mean(0), torch.where(std > 0, std, 1.0))

    def apply_to(self, targets: Tensor) -> Tensor:
        """Standardises targets on the host, shape (n, outputs) or (outputs,); returns float32."""
        return ((targets.double() - self.mean) / self.std).float()

    def undo(self, values: Tensor) -> Tensor:
        """Scales standardised values (n, outputs) back to the data's units: float64, on the device of `values`."""
        return values.double() * self.std.to(values.device) + self.mean.to(values.device)
