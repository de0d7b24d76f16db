"""What every reader of new inputs has in common.

A data source gives a reader in its `Samples`. A checkpoint keeps it as it keeps the encoding: by name and arguments,
as plain data. A new kind of data needs one more class beside this one, and a line in `kinds.READERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, ClassVar, Generic, TypeVar

from workbench.data.inputs import Inputs
from workbench.data.readers.source import Place, Source
from workbench.errors import DataError

Item = TypeVar("Item")
"""What is known of a sample before it is read: the path of an image, the values of a row."""

Raw = Inputs | list[str]
"""Samples as `TrainedModel` takes them: a tensor (n, ...), tensors by name, or texts."""


@dataclass(frozen=True)
class Chunk:
    """Some samples, in the order of the input."""

    places: list[Place]
    """Of each sample, broken ones included."""
    raw: Raw | None
    """Of those that are not broken; None where all are."""
    errors: dict[int, str]
    """What is wrong with those that are broken, by their position in `places`."""

    @property
    def count(self) -> int:
        """How many samples are not broken."""
        return len(self.places) - len(self.errors)


class Reader(Generic[Item]):
    """Reads more raw samples, of the kind that a model was trained on. It needs no training data."""

    name: ClassVar[str]
    """The name of this kind of reader in a checkpoint."""

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that build this reader again: numbers, texts, lists and dictionaries of them."""
        raise NotImplementedError

    @property
    def place_names(self) -> tuple[str, ...]:
        """What says where a sample comes from, see `Place`; not all of it is known of all samples."""
        return ("input", "row")

    @property
    def takes(self) -> str:
        """What it reads, in words for the user."""
        raise NotImplementedError

    def items(self, source: Source) -> Iterator[tuple[Place, Item]]:
        """The samples of one input, one after the other, not read yet. Raises DataError where it cannot be read."""
        raise NotImplementedError

    def make(self, items: Sequence[Item]) -> Raw:
        """Reads samples, all of one type of item. Raises DataError, which names the first that is broken."""
        raise NotImplementedError

    def read(self, sources: Iterable[Source], chunk: int, *, skip_broken: bool = False) -> Iterator[Chunk]:
        """The samples of all inputs, `chunk` at a time, so that memory stays bounded.

        skip_broken: a sample that cannot be read has its error in the chunk; otherwise it is raised as DataError.
        """
        pairs = (pair for source in sources for pair in self.items(source))
        for _, alike in groupby(pairs, lambda pair: type(pair[1])):
            while taken := list(islice(alike, chunk)):
                yield self._chunk([place for place, _ in taken], [item for _, item in taken], skip_broken=skip_broken)

    def _chunk(self, places: list[Place], items: list[Item], *, skip_broken: bool) -> Chunk:
        try:
            return Chunk(places, self.make(items), {})
        except DataError:
            if not skip_broken:
                raise
        errors = {position: error for position, item in enumerate(items) if (error := self._error_of(item))}
        good = [item for position, item in enumerate(items) if position not in errors]
        return Chunk(places, self.make(good) if good else None, errors)

    def _error_of(self, item: Item) -> str:
        try:
            self.make([item])
        except DataError as error:
            return str(error)
        return ""
