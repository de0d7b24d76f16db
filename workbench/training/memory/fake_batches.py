"""Batches of fake tensors, in place of those that a data loader reads."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.training.batches import Batch, BatchSource
from workbench.training.job import Job
from workbench.training.timing.clock import PhaseClock

Encode = Callable[[Tensor], Tensor]


class FakeDataLoaderBatches:
    """Batches that a loader has read: prepared and augmented on the device; on a GPU the next one is there already."""

    name = "dataloader"
    resident_bytes = 0

    def __init__(self, job: Job, source: BatchSource, encode: Encode, *, evaluating: bool) -> None:
        """encode: turns fake samples into model input."""
        self.batch_size = source.batch_size
        self._samples = len(source)
        self._sample, self._target = job.sample
        self._encode = encode
        self._augment = None if evaluating else job.preset.data.augmentation()
        self._raw_augment = None if evaluating else job.preset.data.raw_augmentation()
        self._ahead = job.device.type == "cuda"

    def __len__(self) -> int:
        return self._samples

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        following = self._read() if self._ahead else None
        for _ in order.split(self.batch_size):
            inputs, targets = self._read() if following is None else following
            if following is not None:
                following = self._read()
            inputs = self._encode(inputs if self._raw_augment is None else self._raw_augment(inputs))
            yield Batch(inputs if self._augment is None else self._augment(inputs), targets)

    def close(self) -> None:
        pass

    def sample(self, count: int) -> Batch | None:
        """None: fake samples have no numbers."""
        return None

    def _read(self) -> tuple[Tensor, Tensor]:
        inputs = torch.empty((self.batch_size, *self._sample.shape), dtype=self._sample.dtype)
        return inputs, torch.empty((self.batch_size, *self._target.shape), dtype=self._target.dtype)


def endless_batches(source: BatchSource) -> Iterator[Batch]:
    """Whole batches, one after another."""
    while True:
        yield from source.batches(torch.arange(source.batch_size), PhaseClock())


def fake_encoding(encoding: Encoding) -> Encode:
    """The encoding with fake tensors in place of its own, on the CPU; to be called within a fake mode."""
    memo = {id(buffer): torch.empty_like(buffer, device="cpu") for buffer in encoding.buffers()}
    encode: Encode = copy.deepcopy(encoding, memo)
    return encode
