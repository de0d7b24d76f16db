"""Numbers that are changed on the host, before they reach a device: float64 becomes float32, ids become measures.

Numbers that float32 cannot tell apart (20230103, a time in seconds, prices around 1e9) come as float64. They are
standardised here, in float64, and only then become float32: a device sees nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.samples import InMemory, Lazy, NamedInMemory, SampleSequence, Split
from workbench.data.target_scale import TargetScale

HOST_CHUNK = 8192
"""Samples that become float32 at a time: the work in between needs little memory."""


def on_host(split: Split, encoding: Encoding | None, target_scale: TargetScale | None) -> Split:
    """The samples in float32 where they are in float64: inputs by `encoding`, targets by `target_scale`, if given."""
    if encoding is None and target_scale is None:
        return split
    if isinstance(split, Lazy):
        return Lazy(_OnHost(split.dataset, encoding, target_scale), split.targets, split.indices)
    targets = split.targets
    if target_scale is not None:
        targets = target_scale.apply_to(targets)
    if isinstance(split, NamedInMemory):
        return NamedInMemory(split.inputs if encoding is None else encoding(split.inputs), targets)
    inputs = split.inputs
    if encoding is not None:
        inputs = torch.empty(split.inputs.shape, dtype=torch.float32)
        for raw, made in zip(split.inputs.split(HOST_CHUNK), inputs.split(HOST_CHUNK), strict=True):
            made.copy_(encoding(raw))
    return InMemory(inputs, targets)


def in_float32(split: Split) -> Split:
    """Inputs in memory in float64 become float32: with training inputs in float32 they need no more digits."""
    if isinstance(split, InMemory) and split.inputs.dtype == torch.float64:
        return InMemory(split.inputs.float(), split.targets)
    return split


def as_measures(split: Split) -> Split:
    """Whole numbers (int64) become float64: for models that take measures, not ids."""
    if isinstance(split, Lazy):
        return Lazy(_Measures(split.dataset), split.targets, split.indices)
    if isinstance(split, NamedInMemory):
        return split
    return InMemory(split.inputs.double(), split.targets)


@dataclass(frozen=True)
class _Measures:
    """Samples that are read one by one, with inputs in float64; can be sent to a loader's worker."""

    dataset: SampleSequence

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        inputs, target = self.dataset[index]
        return inputs.double(), target


@dataclass(frozen=True)
class _OnHost:
    """Samples that are read one by one and become float32 as they are read; can be sent to a loader's worker."""

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
