"""The order in which an epoch's samples are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from workbench.training.job import Job

_SEED_STRIDE = 1_000_003
"""Keeps the seeds of a run's epochs apart from those of runs with a neighbouring seed."""


def epoch_order(job: Job, epoch: int) -> Tensor:
    """Indices of the samples of an epoch (counted from 0) in their order, int64 (samples_per_epoch,), on the host.

    It depends on `training.seed` and the epoch alone, so that any epoch can be re-entered.
    """
    return shuffled(job.preset.training.seed, epoch, len(job.train))[: job.samples_per_epoch]


def shuffled(seed: int, epoch: int, samples: int) -> Tensor:
    """The order of all training samples, int64 (samples,), on the host. seed: `training.seed`."""
    generator = torch.Generator().manual_seed((seed * _SEED_STRIDE + epoch) % 2**63)
    return torch.randperm(samples, generator=generator)
