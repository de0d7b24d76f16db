"""What every data source returns: samples, the task they pose, and the splits that the source itself brings.

A source (digits, a CSV file, a folder of images, ...) is a function that returns `Samples`. Splitting, batching and
moving to the device are the same for all of them and come later. What differs between kinds of data, the source brings
in `Samples`: how raw samples become model input (`fit_encoding`; numbers are standardised where it brings none), and
how samples of different lengths become one batch (`collate`). So text and audio are each a source, its encoding and
its collate function, beside a model that takes their input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Protocol

from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.inputs import Inputs
from workbench.data.task import Task as Task


class SampleSequence(Protocol):
    """Samples that are read one by one because they do not fit in memory: a map-style torch Dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        """One sample: inputs (a tensor or tensors by name, without the batch dimension) and its target."""


Collate = Callable[[list[tuple[Any, Tensor]]], tuple[Inputs, Tensor]]
"""Makes a batch (inputs, targets) of some samples. A function of a module, so that a loader's worker can be sent it."""

FitEncoding = Callable[["Split"], Encoding]
"""Makes the encoding of raw samples, from the training split alone."""


@dataclass(frozen=True)
class InMemory:
    """Samples held as two tensors.

    inputs: uint8 (pixel values, 0 to 255), float32, float64 where float32 might not tell values apart, or int64 (ids,
    which reach a user's model as they are); shape (samples, ...); images are (samples, channels, height, width).
    targets: int64 class numbers, shape (samples,), or float32 or float64 values, shape (samples, outputs). float64
    becomes float32 once it is standardised.
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.inputs[index], self.targets[index]

    def subset(self, indices: Tensor) -> InMemory:
        """The samples at `indices` (int64, shape (n,)), in that order."""
        return InMemory(self.inputs[indices], self.targets[indices])


@dataclass(frozen=True)
class NamedInMemory:
    """Samples held as tensors by name, such as padded ids and their lengths, and targets as in InMemory."""

    inputs: Mapping[str, Tensor]
    """Each (samples, ...)."""
    targets: Tensor

    def __post_init__(self) -> None:
        for name, tensor in self.inputs.items():
            if len(tensor) != len(self.targets):
                raise ValueError(f"{len(tensor)} {name} but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        return {name: tensor[index] for name, tensor in self.inputs.items()}, self.targets[index]

    def subset(self, indices: Tensor) -> NamedInMemory:
        """The samples at `indices` (int64, shape (n,)), in that order."""
        return NamedInMemory({name: tensor[indices] for name, tensor in self.inputs.items()}, self.targets[indices])


@dataclass(frozen=True)
class Lazy:
    """Samples read one by one by a DataLoader; `targets` are known beforehand, so that they can be stratified.

    targets: as in InMemory, or None where they are only known by reading the samples.
    """

    dataset: SampleSequence
    targets: Tensor | None = None
    indices: Tensor | None = None
    """Which samples of `dataset`, int64; None for all."""

    def __len__(self) -> int:
        return len(self.dataset) if self.indices is None else len(self.indices)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        return self.dataset[index if self.indices is None else int(self.indices[index])]

    def subset(self, indices: Tensor) -> Lazy:
        """The samples at `indices` (int64, shape (n,)), in that order."""
        chosen = indices if self.indices is None else self.indices[indices]
        return Lazy(self.dataset, None if self.targets is None else self.targets[indices], chosen)


Split = InMemory | NamedInMemory | Lazy


@dataclass(frozen=True)
class Samples:
    """Everything a source knows. `validation` and `test` are set where the data comes with such splits."""

    train: Split
    task: Task
    _: KW_ONLY
    validation: Split | None = None
    test: Split | None = None
    notes: tuple[str, ...] = field(default=())
    """What the user should know about how the data was read (columns left out, rows dropped)."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a table, in their order."""
    left_out: str = ""
    """Which rows were dropped and why, in words; empty for none. Among the notes too."""
    fit_encoding: FitEncoding | None = None
    """How raw samples become model input; None: numbers are standardised, ids and what `collate` makes stay."""
    collate: Collate | None = None
    """How samples become a batch; None: tensors of one shape are stacked. Samples in memory need none."""

    @property
    def has_own_inputs(self) -> bool:
        """Whether the source decides what a model is given, and whole numbers in it are never taken for measures."""
        return self.fit_encoding is not None or self.collate is not None

    def map(self, change: Callable[[Split], Split]) -> Samples:
        """The same with each of its splits changed."""
        validation = None if self.validation is None else change(self.validation)
        return replace(
            self,
            train=change(self.train),
            validation=validation,
            test=None if self.test is None else change(self.test),
        )
