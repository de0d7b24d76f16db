"""What every reader of new inputs has in common.

A data source gives a reader in its `Samples`. A checkpoint keeps it as it keeps the encoding: by name and arguments,
as plain data. A new kind of data needs one more class beside this one, and a line in `kinds.READERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from workbench.data.csv_records import MOST_CHARACTERS
from workbench.data.inputs import Inputs
from workbench.data.readers.source import Place, Source
from workbench.errors import DataError

Item = TypeVar("Item")
"""What is known of a sample before it is read: the path of an image, the values of a row."""

Raw = Inputs | list[str]
"""Samples as `TrainedModel` takes them: a tensor (n, ...), tensors by name, or texts."""


@dataclass(frozen=True)
class Broken:
    """Stands for an item that cannot be read."""

    error: str
    """What is wrong with it."""


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

    def items(self, source: Source) -> Iterator[tuple[Place, Item | Broken]]:
        """The samples of one input, one after the other, not read yet. Raises DataError where it cannot be read on."""
        raise NotImplementedError

    def make(self, items: Sequence[Item]) -> Raw:
        """Reads samples, all of one type of item. Raises DataError, which names the first that is broken."""
        raise NotImplementedError

    def read(self, sources: Iterable[Source], chunk: int, *, skip_broken: bool = False) -> Iterator[Chunk]:
        """The samples of all inputs, `chunk` at a time, so that memory stays bounded.

        skip_broken: what cannot be read, a sample or an input, has its error in the chunk; otherwise it is raised as
        DataError, after the samples before it.
        """
        taken: list[tuple[Place, Item | Broken]] = []
        kind: type[Any] | None = None
        characters = 0
        for place, item in (pair for source in sources for pair in self._items(source)):
            if isinstance(item, Broken):
                if not skip_broken:
                    yield from self._chunks(taken, skip_broken=False)
                    raise DataError(item.error)
            elif type(item) is not kind:  # items of two kinds are no batch
                yield from self._chunks(taken, skip_broken=skip_broken)
                taken, kind = [], type(item)
            taken.append((place, item))
            characters += len(item) if isinstance(item, str) else 0
            if len(taken) == chunk or characters > MOST_CHARACTERS:
                yield from self._chunks(taken, skip_broken=skip_broken)
                taken, characters = [], 0
        yield from self._chunks(taken, skip_broken=skip_broken)

    def _items(self, source: Source) -> Iterator[tuple[Place, Item | Broken]]:
        """The items of an input; what it cannot be read from on is broken."""
        place: Place = {"input": source.name}
        try:
            for place, item in self.items(source):
                yield place, item
        except DataError as error:
            following = {"row": place["row"] + 1} if "row" in place else {}
            yield {"input": source.name} | following, Broken(str(error))

    def _chunks(self, taken: Sequence[tuple[Place, Item | Broken]], *, skip_broken: bool) -> Iterator[Chunk]:
        """What was taken as a chunk, if it is anything. Raises DataError after what comes before a broken sample."""
        if not taken:
            return
        places = [place for place, _ in taken]
        errors = {position: item.error for position, (_, item) in enumerate(taken) if isinstance(item, Broken)}
        good = {position: item for position, (_, item) in enumerate(taken) if not isinstance(item, Broken)}
        try:
            raw = self.make(list(good.values())) if good else None
        except DataError:
            if not skip_broken:
                before = next((position for position, item in good.items() if self._error_of(item)), 0)
                if before:
                    yield Chunk(places[:before], self.make(list(good.values())[:before]), {})
                raise
            errors |= {position: error for position, item in good.items() if (error := self._error_of(item))}
            readable = [item for position, item in good.items() if position not in errors]
            raw = self.make(readable) if readable else None
        yield Chunk(places, raw, errors)

    def _error_of(self, item: Item) -> str:
        try:
            self.make([item])
        except DataError as error:
            return str(error)
        return ""
