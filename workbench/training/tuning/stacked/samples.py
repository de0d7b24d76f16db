"""The samples of all candidates on the device: those of one data set for all, or of a fold for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.data.inputs import bytes_of
from workbench.training.batches import RESIDENT_FRACTION, Augment, BatchSource, OnDeviceBatches, free_bytes
from workbench.training.tuning.stacked.errors import CannotStackError

EVALUATED_AT_ONCE = 2**16
"""Samples times candidates whose scores are computed at once."""


@dataclass(frozen=True)
class StackedSamples:
    """One split of each data set, one after the other, and where each candidate's begins."""

    inputs: Tensor
    targets: Tensor
    starts: Tensor
    """int64 (candidates,) on the device."""
    count: int
    """Samples of each data set's split."""
    is_shared: bool
    """Whether all candidates have the same data set."""

    @classmethod
    def of(cls, sources: Sequence[BatchSource], of_candidate: Sequence[int]) -> StackedSamples:
        """sources: the split of each data set; of_candidate: whose it is. Raises CannotStackError."""
        if any(isinstance(source, OnDeviceBatches) and source.varies_raw for source in sources):
            raise CannotStackError("the samples vary before they are encoded")
        prepared = [source for source in sources if isinstance(source, OnDeviceBatches) and source.is_prepared]
        if len(prepared) < len(sources):
            raise CannotStackError("the samples do not fit on the device as model input")
        batches = [source.samples for source in prepared]
        count = len(batches[0])
        if any(len(batch) != count for batch in batches):
            raise CannotStackError("the folds have different numbers of samples")
        device = batches[0].targets.device
        starts = torch.tensor(of_candidate, dtype=torch.int64, device=device) * count
        if len(batches) == 1:
            return cls(batches[0].tensor, batches[0].targets, starts, count, True)
        if sum(bytes_of(batch.inputs) for batch in batches) > RESIDENT_FRACTION * free_bytes(device):
            raise CannotStackError("the samples of all folds do not fit into half of the free memory")
        inputs = torch.cat([batch.tensor for batch in batches])
        return cls(inputs, torch.cat([batch.targets for batch in batches]), starts, count, False)

    def select(self, rows: Tensor) -> StackedSamples:
        """The same for some candidates."""
        return StackedSamples(self.inputs, self.targets, self.starts[rows], self.count, self.is_shared)

    def gather(self, indices: Tensor, augment: Augment | None) -> tuple[Tensor, Tensor]:
        """Inputs and targets (candidates, batch, ...) of samples, int64 (candidates, batch) in each one's own split."""
        flat = (indices + self.starts.unsqueeze(1)).reshape(-1)
        inputs = self.inputs.index_select(0, flat)
        if augment is not None:
            inputs = augment(inputs)
        shape = indices.shape
        return inputs.unflatten(0, shape), self.targets.index_select(0, flat).unflatten(0, shape)

    def parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        """All samples, part by part: inputs as `StackedNetwork.scores` takes them, and targets (candidates, n, ...)."""
        candidates = len(self.starts)
        size = max(EVALUATED_AT_ONCE // candidates, 1)
        for start in range(0, self.count, size):
            end = min(start + size, self.count)
            if self.is_shared:
                targets = self.targets[start:end]
                yield self.inputs[start:end], targets.expand(candidates, *targets.shape)
            else:
                indices = torch.arange(start, end, device=self.starts.device).expand(candidates, -1)
                yield self.gather(indices, None)
