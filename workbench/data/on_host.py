"""Conversions on the host, before samples reach a device: float64 to float32, whole numbers to floats, texts to ids.

Numbers that float32 cannot distinguish (20230103, a time in seconds, prices around 1e9) arrive as float64. They are
standardised here in float64 and then converted: devices get float32 only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.samples import InMemory, Lazy, NamedInMemory, SampleSequence, Split, Texts
from workbench.data.target_scale import TargetScale
from workbench.devices.host import HostMonitor
from workbench.errors import DataError, UserCodeError
from workbench.units import size

HOST_CHUNK = 8192
"""Samples that are converted at a time, so that the conversion needs little memory."""


def on_host(split: Split, encoding: Encoding | None, target_scale: TargetScale | None) -> Split:
    """Converts samples that no device takes: inputs with `encoding`, targets with `target_scale`, if given.

    Texts become ids in memory, which needs an encoding.
    """
    if encoding is None and target_scale is None:
        return split
    if isinstance(split, Lazy):
        return Lazy(_OnHost(split.dataset, encoding, target_scale), split.targets, split.indices)
    targets = split.targets
    if target_scale is not None:
        targets = target_scale.apply_to(targets)
    if isinstance(split, NamedInMemory):
        return NamedInMemory(split.inputs if encoding is None else encoding(split.inputs), targets)
    if isinstance(split, Texts):
        return Texts(split.texts, targets) if encoding is None else InMemory(_ids(split.texts, encoding), targets)
    return InMemory(split.inputs if encoding is None else _encoded(split.inputs, encoding), targets)


def _encoded(inputs: Tensor, encoding: Encoding) -> Tensor:
    """All inputs encoded, made chunk by chunk, so that only the result needs much memory."""
    head = inputs[:1]
    first: Tensor = encoding(head)
    if first is head:
        return inputs  # ids of a long text, which is encoded already
    dtype = torch.float32 if first.is_floating_point() else first.dtype
    encoded = torch.empty((len(inputs), *first.shape[1:]), dtype=dtype)
    for raw, made in zip(inputs.split(HOST_CHUNK), encoded.split(HOST_CHUNK), strict=True):
        made.copy_(encoding(raw))
    return encoded


def _ids(texts: Sequence[str], encoding: Encoding) -> Tensor:
    """The ids of all texts, (n, length). Raises DataError where they need more memory than is free."""
    first: object = encoding(texts[:1])
    if not isinstance(first, Tensor) or len(first) != 1:
        raise UserCodeError(f"the encoding {encoding.name!r} must make a tensor (n, length) of n texts")
    needed, free = first.nbytes * len(texts), HostMonitor(os.getpid()).read().available_bytes
    if needed > free:
        raise DataError(
            f"{len(texts):,} texts of {first[0].numel():,} tokens take {size(needed)} of memory, but {size(free)} are "
            "free; set a smaller data.max_length"
        )
    ids = torch.empty((len(texts), *first.shape[1:]), dtype=first.dtype)
    for start in range(0, len(texts), HOST_CHUNK):
        chunk = texts[start : start + HOST_CHUNK]
        ids[start : start + len(chunk)] = encoding(chunk)
    return ids


def in_float32(split: Split) -> Split:
    """Converts float64 inputs in memory to float32, for splits whose training inputs are float32."""
    if isinstance(split, InMemory) and split.inputs.dtype == torch.float64:
        return InMemory(split.inputs.float(), split.targets)
    return split


def as_float64(split: Split) -> Split:
    """Converts whole numbers (int64) to float64, for models that take features and not ids."""
    if isinstance(split, Lazy):
        return Lazy(_AsFloat64(split.dataset), split.targets, split.indices)
    if isinstance(split, InMemory):
        return InMemory(split.inputs.double(), split.targets)
    return split


@dataclass(frozen=True)
class _AsFloat64:
    """Lazily read samples, with inputs in float64; picklable for a DataLoader's workers."""

    dataset: SampleSequence

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        inputs, target = self.dataset[index]
        return inputs.double(), target


@dataclass(frozen=True)
class _OnHost:
    """Lazily read samples, converted to float32 as they are read; picklable for a DataLoader's workers."""

    dataset: SampleSequence
    encoding: Encoding | None
    target_scale: TargetScale | None

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        inputs, target = self.dataset[index]
        if self.encoding is not None:
            inputs = self.encoding(inputs.unsqueeze(0))[0]
        return inputs, target if self.target_scale is None else self.target_scale.apply_to(target)
