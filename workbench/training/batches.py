"""Feeds: from a split to batches on the device, ready for the model.

If the samples fit, they live on the device as tensors and a batch is gathered there (on the CPU: in RAM). Otherwise a
DataLoader reads them, and on a GPU each batch is copied from pinned memory on a stream of its own, one batch ahead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from workbench.data.preparation import Preparation
from workbench.data.samples import InMemory, Split
from workbench.devices.host import HostMonitor
from workbench.errors import DataError, WorkbenchError
from workbench.training.timing.clock import PhaseClock

Augment = Callable[[Tensor], Tensor]
"""Varies a batch of images (n, c, h, w) at random."""

PREPARE_CHUNK = 8192
"""Samples that are made into model input at a time."""

KEPT_SAMPLES = 256
"""What a loader keeps of the first samples that it reads, for whoever wants to look at some again."""

RESIDENT_SHARE = 0.5
"""Most of the device's free memory that resident samples may take."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Model input, float32 (n, ...) or ids in int64, and targets, on the device of training."""

    inputs: Tensor
    targets: Tensor


class BatchSource(Protocol):
    """Where batches come from."""

    name: str
    batch_size: int
    resident_bytes: int
    """What the samples take on the device; 0 if they are read batch by batch."""

    def __len__(self) -> int:
        """Number of samples."""

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        """Batches of the samples in `order` (int64, on the host), the last one shorter if need be.

        Marks the phases data and transfer on the clock.
        """

    def sample(self, count: int) -> Batch | None:
        """About `count` samples, not varied, and without a trace in what follows; None if none were read yet."""


class OnDeviceBatches:
    """Batches gathered from tensors that lie on the device."""

    name = "on_device"

    def __init__(
        self,
        split: InMemory,
        preparation: Preparation,
        batch_size: int,
        device: torch.device,
        augment: Augment | None,
    ) -> None:
        self.batch_size = batch_size
        self._device = device
        self._augment = augment
        self._targets = split.targets.to(device)
        # Prepared once, if there is room for four bytes a number; else a batch at a time.
        self._prepare: Callable[[Tensor], Tensor] | None = None
        inputs = split.inputs.to(device)
        if inputs.dtype != torch.int64:  # ids are what the model takes
            if inputs.numel() * 4 <= RESIDENT_SHARE * free_bytes(device):
                inputs = _prepared(inputs, preparation)
            else:
                self._prepare = preparation
        self._inputs = inputs
        self.resident_bytes = self._inputs.nbytes + self._targets.nbytes

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def is_prepared(self) -> bool:
        """Whether the samples lie there as model input."""
        return self._prepare is None

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        for indices in order.to(self._device).split(self.batch_size) if len(order) else ():
            batch = self.gather(indices)
            clock.mark("data")
            yield batch

    def gather(self, indices: Tensor) -> Batch:
        """The samples of these numbers, int64 (n,) on the device; waits for nothing."""
        inputs = self._inputs.index_select(0, indices)
        targets = self._targets.index_select(0, indices)
        if self._prepare is not None:
            inputs = self._prepare(inputs)
        if self._augment is not None:
            inputs = self._augment(inputs)
        return Batch(inputs, targets)

    def sample(self, count: int) -> Batch | None:
        # Evenly spread: samples may be sorted by class.
        indices = torch.linspace(0, len(self) - 1, min(count, len(self)), dtype=torch.float64).long().to(self._device)
        inputs = self._inputs.index_select(0, indices)
        return Batch(inputs if self._prepare is None else self._prepare(inputs), self._targets.index_select(0, indices))


def _prepared(inputs: Tensor, preparation: Preparation) -> Tensor:
    """All samples as model input, made chunk by chunk, so that nothing but the result needs much memory."""
    shape = preparation(inputs[:1]).shape[1:]
    prepared = torch.empty((len(inputs), *shape), dtype=torch.float32, device=inputs.device)
    for raw, made in zip(inputs.split(PREPARE_CHUNK), prepared.split(PREPARE_CHUNK), strict=True):
        made.copy_(preparation(raw))
    return prepared


class DataLoaderBatches:
    """Batches read by a DataLoader, and prepared and augmented on the device."""

    name = "dataloader"
    resident_bytes = 0

    def __init__(
        self,
        split: Split,
        preparation: Preparation,
        batch_size: int,
        device: torch.device,
        augment: Augment | None,
        workers: int,
        seed: int,
    ) -> None:
        self.batch_size = batch_size
        self._samples = len(split)
        self._device = device
        self._preparation = preparation
        self._augment = augment
        self._sampler = _Order()
        self._generator = torch.Generator().manual_seed(seed)
        self._kept: list[tuple[Tensor, Tensor]] = []
        """The first batches read, as they came."""
        self._room = min(KEPT_SAMPLES, len(split))
        # Tensor and target of a sample only: the loader's own collation makes the batch.
        self._loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            split,  # type: ignore[arg-type]  # a map-style dataset in all but its base class
            batch_size=batch_size,
            sampler=self._sampler,
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
        for inputs, targets in on_device:
            prepared = self._preparation(inputs)
            if self._augment is not None:
                prepared = self._augment(prepared)
            batch = Batch(prepared, targets)
            clock.mark("transfer")
            yield batch

    def sample(self, count: int) -> Batch | None:
        if not self._kept:
            return None
        inputs, targets = (torch.cat(parts)[:count].to(self._device) for parts in zip(*self._kept, strict=True))
        return Batch(self._preparation(inputs), targets)

    def _read(self) -> Iterator[tuple[Tensor, Tensor]]:
        try:
            for inputs, targets in self._loader:
                if self._room > 0:
                    kept = slice(0, self._room)
                    self._kept.append((inputs[kept].clone(), targets[kept].clone()))
                    self._room -= len(inputs)
                yield inputs, targets
        except WorkbenchError as error:
            raise _without_worker_traceback(error) from error
        except RuntimeError as error:
            if "stack expects each tensor to be equal size" in str(error):
                shapes = str(error).strip().splitlines()[-1].rpartition("RuntimeError: ")[2]
                raise DataError(f"the samples are not all of one shape: {shapes}") from error
            raise DataError(f"reading the samples failed: {_reason(error)}") from error
        except (MemoryError, GeneratorExit):
            raise
        except Exception as error:
            raise DataError(f"reading the samples failed: {_reason(error)}") from error

    def _copied(self, clock: PhaseClock) -> Iterator[tuple[Tensor, Tensor]]:
        for inputs, targets in self._read():
            clock.mark("data")
            yield inputs.to(self._device), targets.to(self._device)

    def _copied_ahead(self, clock: PhaseClock) -> Iterator[tuple[Tensor, Tensor]]:
        stream = torch.cuda.Stream(self._device)
        ahead: tuple[Tensor, Tensor, torch.cuda.Event] | None = None
        for inputs, targets in self._read():
            clock.mark("data")
            with torch.cuda.stream(stream):
                copy = (
                    inputs.to(self._device, non_blocking=True),
                    targets.to(self._device, non_blocking=True),
                    torch.cuda.Event(),
                )
                copy[2].record(stream)
            if ahead is not None:
                yield _handed_over(*ahead)
            ahead = copy
        if ahead is not None:
            yield _handed_over(*ahead)


class _Order(Sampler[int]):
    """Gives the indices that it was last set to; the loader and its workers live on from epoch to epoch."""

    def __init__(self) -> None:
        self.order = torch.empty(0, dtype=torch.int64)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order.tolist())

    def __len__(self) -> int:
        return len(self.order)


def _reason(error: Exception) -> str:
    """What was raised, in a line; a loader's worker puts its traceback before it."""
    last_line = (str(error).strip().splitlines() or [""])[-1]
    return last_line if "Original Traceback" in str(error) else f"{type(error).__name__}: {last_line}"


def _handed_over(inputs: Tensor, targets: Tensor, copied: torch.cuda.Event) -> tuple[Tensor, Tensor]:
    """Makes the current stream wait for the copy, and the allocator keep its memory until that stream is done."""
    current = torch.cuda.current_stream(inputs.device)
    current.wait_event(copied)
    inputs.record_stream(current)
    targets.record_stream(current)
    return inputs, targets


def _without_worker_traceback(error: WorkbenchError) -> WorkbenchError:
    """A loader's worker prefixes a message with its traceback; the user wants the message."""
    message = str(error)
    if "Original Traceback" not in message:
        return error
    own = message.rpartition(f"{type(error).__name__}: ")[2].strip()
    return type(error)(own)


def free_bytes(device: torch.device) -> int:
    """Memory that is free on the device (on the CPU and on Metal: in the machine, or its control group)."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return HostMonitor(os.getpid()).read().available_bytes


def fits_resident(splits: Sequence[Split], device: torch.device) -> bool:
    """Whether all splits together can live on the device."""
    needed = 0
    for split in splits:
        if not isinstance(split, InMemory):
            return False
        needed += split.inputs.nbytes + split.targets.nbytes
    return needed <= RESIDENT_SHARE * free_bytes(device)
