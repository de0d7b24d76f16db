"""The scale of a regression's targets: mean 0 and deviation 1 while training, the data's own units in metrics."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.data.samples import Split
from workbench.data.standardize import spaced
from workbench.errors import DataError


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
            targets = torch.stack([train[index][1] for index in spaced(len(train))])
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
