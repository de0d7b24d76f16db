"""Refuses NaN and infinity in every split: before training where the samples are in memory, else as they are read.

The loss does not reveal all of them: a ReLU may turn NaN into 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from workbench.data.inputs import Inputs, map_inputs, tensors_of
from workbench.data.samples import InMemory, Lazy, NamedInMemory, Samples, SampleSequence, Split
from workbench.errors import DataError

CHUNK_NUMBERS = 2**22
"""Numbers that are checked at a time, so that the check needs little memory."""

LARGEST = torch.finfo(torch.float32).max
"""Larger numbers would become infinite: training uses float32."""


def check_finite(samples: Samples) -> Samples:
    """Checks all inputs in memory and all known targets of every split; where NaN is a gap, the targets alone.

    The samples that it returns check lazily read samples as they are read. Both raise DataError with the split, as the
    data defines it, the sample and the position.
    """
    is_whole = samples.validation is None and samples.test is None
    validation, test, gaps = samples.validation, samples.test, samples.has_gaps
    return replace(
        samples,
        train=_checked(samples.train, "the data" if is_whole else "the training split", gaps=gaps),
        validation=None if validation is None else _checked(validation, "the validation split", gaps=gaps),
        test=None if test is None else _checked(test, "the test split", gaps=gaps),
    )


def not_finite(numbers: Tensor) -> tuple[float, tuple[int, ...]] | None:
    """Returns the first number that is not finite in float32, and its position; None if all are finite."""
    if not numbers.is_floating_point():
        return None
    rows = max(CHUNK_NUMBERS * len(numbers) // max(numbers.numel(), 1), 1)
    for start in range(0, len(numbers), rows):
        chunk = numbers[start : start + rows]
        finite = chunk.abs() <= LARGEST
        if not bool(finite.all()):
            row, *position = (int(i) for i in (~finite).nonzero()[0])
            return float(chunk[(row, *position)]), (start + row, *position)
    return None


def _checked(split: Split, name: str, *, gaps: bool) -> Split:
    if isinstance(split, InMemory | NamedInMemory) and not gaps:
        _check_inputs(split.inputs, 0, name)
    if split.targets is not None:
        _check_targets(split.targets, 0, name)
    return replace(split, dataset=_Checked(split.dataset, name)) if isinstance(split, Lazy) else split


@dataclass(frozen=True)
class _Checked:
    """Lazily read samples, each checked as it is read; picklable for a DataLoader's workers."""

    dataset: SampleSequence
    name: str
    """The name of the split in messages."""

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        inputs, target = self.dataset[index]
        _check_inputs(map_inputs(inputs, lambda tensor: tensor.unsqueeze(0)), index, self.name)
        _check_targets(target.unsqueeze(0), index, self.name)
        return inputs, target


def _check_inputs(inputs: Inputs, first: int, name: str) -> None:
    """first: the index of the first sample."""
    for tensor in tensors_of(inputs):
        if (found := not_finite(tensor)) is not None:
            value, (sample, *position) = found
            raise DataError(
                f"sample {first + sample} of {name} holds {value} at {tuple(position)} (counted from 0); all inputs "
                "must be finite numbers in float32"
            )


def _check_targets(targets: Tensor, first: int, name: str) -> None:
    if (found := not_finite(targets)) is not None:
        value, (sample, *_) = found
        raise DataError(
            f"the target of sample {first + sample} of {name} (counted from 0) is {value}; all targets must be finite "
            "numbers in float32"
        )
