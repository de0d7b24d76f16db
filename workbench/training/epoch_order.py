"""The order in which an epoch's samples are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from workbench.training.batches import OnDeviceBatches

if TYPE_CHECKING:
    from workbench.training.job import Job
    from workbench.training.similar_lengths import SimilarLengths

_SEED_STRIDE = 1_000_003
"""Keeps the seeds of a run's epochs apart from those of runs with a neighbouring seed."""


def epoch_order(job: Job, epoch: int) -> Tensor:
    """Indices of the samples of an epoch (counted from 0) in their order, int64 (samples_per_epoch,), on the host.

    It depends on `training.seed` and the epoch alone, so that any epoch can be re-entered.
    """
    lengths = job.train.lengths if isinstance(job.train, OnDeviceBatches) else None
    return shuffled(job.preset.training.seed, epoch, len(job.train), lengths, job.train.batch_size)[
        : job.samples_per_epoch
    ]


def shuffled(seed: int, epoch: int, samples: int, lengths: SimilarLengths | None = None, batch_size: int = 1) -> Tensor:
    """The order of all training samples, int64 (samples,), on the host.

    seed: `training.seed`. lengths: where batches are of texts of similar length.
    """
    generator = torch.Generator().manual_seed((seed * _SEED_STRIDE + epoch) % 2**63)
    order = torch.randperm(samples, generator=generator)
    return order if lengths is None else lengths.group(order, batch_size, generator)
