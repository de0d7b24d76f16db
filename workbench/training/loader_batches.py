"""Batches that a DataLoader reads sample by sample, where not all fit into memory.

On a GPU each batch is copied from pinned memory on a stream of its own, one batch ahead.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from workbench.data.encoding import Encoding
from workbench.data.inputs import Inputs, tensors_of
from workbench.data.samples import Collate, Split
from workbench.training.batches import Augment, Batch
from workbench.training.reading_errors import raising_data_errors
from workbench.training.timing.clock import PhaseClock

KEPT_SAMPLES = 256
"""A loader keeps this many of the first samples that it reads, for later `sample` calls."""


class DataLoaderBatches:
    """Batches read by a DataLoader, encoded and augmented on the device."""

    name = "dataloader"
    resident_bytes = 0

    def __init__(
        self,
        split: Split,
        encoding: Encoding,
        batch_size: int,
        device: torch.device,
        augment: Augment | None,
        workers: int,
        seed: int,
        collate: Collate | None = None,
        raw_augment: Augment | None = None,
    ) -> None:
        """collate: makes a batch of samples; None stacks them. augment and raw_augment: as for OnDeviceBatches."""
        self.batch_size = batch_size
        self._samples = len(split)
        self._device = device
        self._encode = encoding
        self._augment = augment
        self._raw_augment = raw_augment
        self._sampler = _Order()
        self._generator = torch.Generator().manual_seed(seed)
        self._kept: list[tuple[Tensor, Tensor]] = []
        """The first batches read, as they came; empty for inputs by name."""
        self._room = min(KEPT_SAMPLES, len(split))
        self._loader: DataLoader[tuple[Inputs, Tensor]] = DataLoader(
            split,  # type: ignore[arg-type]  # a map-style dataset in all but its base class
            batch_size=batch_size,
            sampler=self._sampler,
            collate_fn=collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
            # Own generator: the loader draws a seed an epoch, which must not shift dropout and augmentation.
            generator=self._generator,
        )

    def __len__(self) -> int:
        return self._samples

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        self._sampler.order = order
        on_device = self._copied_ahead(clock) if self._device.type == "cuda" else self._copied(clock)
        for read in on_device:
            raw = read if self._raw_augment is None else Batch(self._raw_augment(read.tensor), read.targets)
            batch = Batch(self._encode(raw.inputs), raw.targets)
            if self._augment is not None:
                batch = Batch(self._augment(batch.tensor), batch.targets)
            clock.mark("transfer")
            yield batch

    def sample(self, count: int) -> Batch | None:
        if not self._kept:
            return None
        inputs, targets = (torch.cat(parts)[:count].to(self._device) for parts in zip(*self._kept, strict=True))
        return Batch(self._encode(inputs), targets)

    def close(self) -> None:
        # Left to the garbage collector, each process takes up to five seconds to end.
        shut_down = getattr(self._loader._iterator, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()

    def _read(self) -> Iterator[Batch]:
        """Raw batches on the host."""
        with raising_data_errors():
            for inputs, targets in self._loader:
                if self._room > 0 and isinstance(inputs, Tensor):
                    kept = slice(0, self._room)
                    self._kept.append((inputs[kept].clone(), targets[kept].clone()))
                    self._room -= len(inputs)
                yield Batch(inputs, targets)

    def _copied(self, clock: PhaseClock) -> Iterator[Batch]:
        for batch in self._read():
            clock.mark("data")
            yield batch.to(self._device)

    def _copied_ahead(self, clock: PhaseClock) -> Iterator[Batch]:
        stream = torch.cuda.Stream(self._device)
        ahead: tuple[Batch, torch.cuda.Event] | None = None
        for batch in self._read():
            clock.mark("data")
            with torch.cuda.stream(stream):
                copy = batch.to(self._device, non_blocking=True), torch.cuda.Event()
                copy[1].record(stream)
            if ahead is not None:
                yield _handed_over(*ahead)
            ahead = copy
        if ahead is not None:
            yield _handed_over(*ahead)


class _Order(Sampler[int]):
    """Gives the indices that it was last set to, so that the loader and its workers serve every epoch."""

    def __init__(self) -> None:
        self.order = torch.empty(0, dtype=torch.int64)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order.tolist())

    def __len__(self) -> int:
        return len(self.order)


def _handed_over(batch: Batch, copied: torch.cuda.Event) -> Batch:
    """Makes the current stream wait for the copy, and the allocator keep its memory until that stream is done."""
    current = torch.cuda.current_stream(batch.targets.device)
    current.wait_event(copied)
    for tensor in (*tensors_of(batch.inputs), batch.targets):
        tensor.record_stream(current)
    return batch
