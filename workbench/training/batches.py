"""Batches: from a split to model input on the device.

If the samples fit, they are tensors on the device and a batch is gathered there (on the CPU: in RAM). Otherwise a
DataLoader reads them, see `loader_batches`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from workbench.data.encoding import Encoding, Identity
from workbench.data.inputs import Inputs, bytes_of, map_inputs, tensors_of
from workbench.data.samples import InMemory, NamedInMemory, Split
from workbench.devices.host import HostMonitor
from workbench.training.similar_lengths import SimilarLengths
from workbench.training.timing.clock import PhaseClock

Augment = Callable[[Tensor], Tensor]
"""Varies a batch at random: images (n, c, h, w), or, before they are encoded, waveforms (n, samples)."""

PREPARE_CHUNK = 8192
"""Samples encoded at a time."""

RESIDENT_FRACTION = 0.5
"""The largest part of the device's free memory that samples on it may take."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Model input and targets of some samples."""

    inputs: Inputs
    """A tensor (n, ...), float32 or ids in int64, or tensors by name, which the model gets as keyword arguments."""
    targets: Tensor
    """Class numbers, int64 (n,), or values, float32 (n, outputs)."""

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def tensor(self) -> Tensor:
        """The inputs where they are one tensor. Raises TypeError where they are named."""
        if not isinstance(self.inputs, Tensor):
            raise TypeError(f"the inputs are tensors by name ({', '.join(self.inputs)}), where one tensor is needed")
        return self.inputs

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Batch:
        """The batch on a device."""
        inputs = map_inputs(self.inputs, lambda tensor: tensor.to(device, non_blocking=non_blocking))
        return Batch(inputs, self.targets.to(device, non_blocking=non_blocking))

    def index_select(self, indices: Tensor) -> Batch:
        """The samples of these numbers, int64 (n,) on the batch's device; waits for nothing."""
        inputs = map_inputs(self.inputs, lambda tensor: tensor.index_select(0, indices))
        return Batch(inputs, self.targets.index_select(0, indices))


class BatchSource(Protocol):
    """Where batches come from."""

    name: str
    batch_size: int
    resident_bytes: int
    """Memory that the samples take on the device; 0 if they are read batch by batch."""

    def __len__(self) -> int:
        """Number of samples."""

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        """Batches of the samples in `order` (int64, on the host), the last one shorter if need be.

        Marks the phases data and transfer on the clock.
        """

    def sample(self, count: int) -> Batch | None:
        """About `count` samples, not augmented; changes nothing in the batches that follow.

        None if none were read yet, and for inputs by name, whose batches may differ in length.
        """

    def close(self) -> None:
        """Ends the processes that read samples, if there are any; no batches can be read afterwards."""


class OnDeviceBatches:
    """Batches gathered from tensors on the device."""

    name = "on_device"

    def __init__(
        self,
        split: InMemory | NamedInMemory,
        encoding: Encoding,
        batch_size: int,
        device: torch.device,
        augment: Augment | None,
        raw_augment: Augment | None = None,
        lengths: SimilarLengths | None = None,
    ) -> None:
        """augment: varies model input; raw_augment: varies samples, which are then encoded a batch at a time.

        lengths: of ids; batches are cut to the width that they need. `gather` gives all samples their full width.
        """
        self.batch_size = batch_size
        self.lengths = lengths
        self._device = device
        self._augment = augment
        self._raw_augment = raw_augment
        self._targets = split.targets.to(device)
        self._encode: Callable[[Any], Any] | None = encoding
        """Encodes a gathered batch; None where the samples are model input already."""
        inputs = map_inputs(split.inputs, lambda tensor: tensor.to(device))
        if isinstance(encoding, Identity) and not any(tensor.is_floating_point() for tensor in tensors_of(inputs)):
            self._encode = None  # ids are what the model takes
        # Encoded once, if there is room for four bytes a number and nothing varies before; else a batch at a time.
        elif (
            raw_augment is None
            and isinstance(inputs, Tensor)
            and len(inputs) * 4 * _encoded_numbers(inputs, encoding) <= RESIDENT_FRACTION * free_bytes(device)
        ):
            self._encode, inputs = None, _encoded(inputs, encoding)
        self._inputs = inputs
        self.resident_bytes = bytes_of(self._inputs) + self._targets.nbytes

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def is_prepared(self) -> bool:
        """Whether the samples on the device are model input already."""
        return self._encode is None

    @property
    def varies_raw(self) -> bool:
        """Whether samples vary at random before they are encoded."""
        return self._raw_augment is not None

    @property
    def samples(self) -> Batch:
        """All samples on the device, without a copy; model input where they are prepared."""
        return Batch(self._inputs, self._targets)

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        widths = self._widths(order)
        for indices in order.to(self._device).split(self.batch_size) if len(order) else ():
            batch = self.gather(indices, next(widths))
            clock.mark("data")
            yield batch

    def _widths(self, order: Tensor) -> Iterator[int | None]:
        """The width of each batch; None where batches are not cut."""
        for indices in order.split(self.batch_size):
            yield None if self.lengths is None else self.lengths.width(indices)

    def gather(self, indices: Tensor, width: int | None = None) -> Batch:
        """The samples of these numbers, int64 (n,) on the device; waits for nothing. width: to which ids are cut."""
        batch = self._select(indices, self._raw_augment, width)
        return batch if self._augment is None else Batch(self._augment(batch.tensor), batch.targets)

    def sample(self, count: int) -> Batch | None:
        # Evenly spread: samples may be sorted by class.
        if not isinstance(self._inputs, Tensor):
            return None
        indices = torch.linspace(0, len(self) - 1, min(count, len(self)), dtype=torch.float64).long()
        return self._select(indices.to(self._device), None)

    def close(self) -> None:
        pass

    def _select(self, indices: Tensor, raw_augment: Augment | None, width: int | None = None) -> Batch:
        inputs = self._inputs[:, :width] if width is not None and isinstance(self._inputs, Tensor) else self._inputs
        batch = Batch(inputs, self._targets).index_select(indices)
        if raw_augment is not None:
            batch = Batch(raw_augment(batch.tensor), batch.targets)
        return batch if self._encode is None else Batch(self._encode(batch.inputs), batch.targets)


def _encoded_numbers(inputs: Tensor, encoding: Encoding) -> int:
    """Numbers of a sample, raw or as model input, whichever are more."""
    return max(inputs[:1].numel(), int(encoding(inputs[:1]).numel()))


def _encoded(inputs: Tensor, encoding: Encoding) -> Tensor:
    """All samples as model input, made chunk by chunk, so that only the result needs much memory."""
    first: Tensor = encoding(inputs[:1])
    encoded = torch.empty((len(inputs), *first.shape[1:]), dtype=first.dtype, device=inputs.device)
    for raw, made in zip(inputs.split(PREPARE_CHUNK), encoded.split(PREPARE_CHUNK), strict=True):
        made.copy_(encoding(raw))
    return encoded


def free_bytes(device: torch.device) -> int:
    """Memory that is free on the device (on the CPU and on Metal: in the machine, or its control group)."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return HostMonitor(os.getpid()).read().available_bytes


def fit_on_device(splits: Sequence[Split], device: torch.device) -> bool:
    """Whether all splits are in memory and there is room for all of them on the device."""
    needed = 0
    for split in splits:
        if not isinstance(split, InMemory | NamedInMemory):
            return False
        needed += bytes_of(split.inputs) + split.targets.nbytes
    return needed <= RESIDENT_FRACTION * free_bytes(device)
