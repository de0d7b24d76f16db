"""What every data source returns: samples, their task, and the splits that come with the data.

A source (digits, a CSV file, a folder of images, ...) is a function that returns `Samples`. Splitting, batching and
moving to the device come later and are the same for all sources. `Samples` holds what differs between kinds of data:
how raw samples become model input (`fit_encoding`; by default numbers are standardised), and how samples of different
lengths become a batch (`collate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.inputs import Inputs
from workbench.data.task import Task as Task

if TYPE_CHECKING:
    from workbench.data.readers.reader import Reader


class SampleSequence(Protocol):
    """A map-style torch Dataset, for samples that are read one by one because they do not fit in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        """One sample: inputs (a tensor or tensors by name, without the batch dimension) and its target."""


Collate = Callable[[list[tuple[Any, Tensor]]], tuple[Inputs, Tensor]]
"""Makes a batch (inputs, targets) of a list of samples. A module-level function, so that DataLoader workers can get it.
"""

Origin = Callable[[int], str]
"""Where the sample of a number comes from, in words, such as "line 17" or "cat/1.png"."""

FitEncoding = Callable[["Split"], Encoding]
"""Fits the encoding of raw samples on the training split."""


@dataclass(frozen=True)
class InMemory:
    """Samples held as two tensors.

    inputs: uint8 (pixel values, 0 to 255), float32, float64 where float32 might not distinguish values, or int64 (ids,
    which a user's model gets unchanged); shape (samples, ...); images are (samples, channels, height, width).
    targets: int64 class numbers, shape (samples,), or float32 or float64 values, shape (samples, outputs). float64 is
    converted to float32 when it is standardised.
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
    """Samples that a DataLoader reads one by one.

    targets: as in InMemory; known in advance, they allow stratified splits. None if only reading the samples gives
    them.
    """

    dataset: SampleSequence
    targets: Tensor | None = None
    indices: Tensor | None = None
    """Indices of the samples in `dataset`, int64; None for all."""

    def __len__(self) -> int:
        return len(self.dataset) if self.indices is None else len(self.indices)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        return self.dataset[index if self.indices is None else int(self.indices[index])]

    def subset(self, indices: Tensor) -> Lazy:
        """The samples at `indices` (int64, shape (n,)), in that order."""
        chosen = indices if self.indices is None else self.indices[indices]
        return Lazy(self.dataset, None if self.targets is None else self.targets[indices], chosen)


@dataclass(frozen=True)
class Texts:
    """Samples that are texts. Their encoding makes them tensors in memory before anything is trained."""

    texts: Sequence[str]
    targets: Tensor
    """As in InMemory."""

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.targets):
            raise ValueError(f"{len(self.texts)} texts but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        return self.texts[index], self.targets[index]

    def subset(self, indices: Tensor) -> Texts:
        """The samples at `indices` (int64, shape (n,)), in that order."""
        return Texts([self.texts[index] for index in indices.tolist()], self.targets[indices])


Split = InMemory | NamedInMemory | Lazy | Texts


@dataclass(frozen=True)
class Samples:
    """Everything that a source returns. `validation` and `test` are set if the data comes with these splits."""

    train: Split
    task: Task
    _: KW_ONLY
    validation: Split | None = None
    test: Split | None = None
    notes: tuple[str, ...] = field(default=())
    """Notes for the user on how the data was read (columns left out, rows dropped)."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a table, in order."""
    left_out: str = ""
    """Says which rows were dropped and why; empty for none. Also one of the notes."""
    fit_encoding: FitEncoding | None = None
    """Fits the encoding. None standardises numbers and leaves ids and the output of `collate` unchanged."""
    has_gaps: bool = False
    """Whether NaN stands for a missing value, which the encoding fills in."""
    groups: Tensor | None = None
    """The group of each sample of `train`, int64 (samples,), such as its speaker: splits keep a group on one side."""
    is_one_text: bool = False
    """Whether samples are windows of one text, and `validation` and `test` later parts of it: no split is drawn at
    random then, because a window held out would stand beside training windows of the same sentence."""
    validation_is_named: bool = False
    """Whether a setting of the data names the samples of `validation`: holdout then takes these, and draws none."""
    text_digest: str = ""
    """Of that text as it was read, whatever its tokens and parts; empty where there is none."""
    collate: Collate | None = None
    """Makes a batch of samples. None stacks tensors of one shape. Not needed for samples in memory."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where samples come from, by split (train, validation, test), for messages; a split may be absent."""
    reader: Reader[Any] | None = None
    """Reads more raw samples of this kind, to predict them. None: arrays of the same shape, or texts, can be read."""

    @property
    def has_own_inputs(self) -> bool:
        """Whether the source defines the model's input, in which whole numbers are never standardised."""
        return self.fit_encoding is not None or self.collate is not None

    def map(self, change: Callable[[Split], Split]) -> Samples:
        """Applies `change` to each split."""
        validation = None if self.validation is None else change(self.validation)
        return replace(
            self,
            train=change(self.train),
            validation=validation,
            test=None if self.test is None else change(self.test),
        )
