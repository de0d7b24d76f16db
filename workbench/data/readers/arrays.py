"""Reads new samples from arrays: .npz and .npy files, part by part, so that large ones need little memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workbench.data.inputs import Inputs, dtype_named
from workbench.data.readers.reader import Reader
from workbench.data.readers.source import Place, Source
from workbench.data.whole_file import free_bytes, most_bytes
from workbench.errors import DataError, WorkbenchError
from workbench.units import size

Array = npt.NDArray[Any]

NPZ, NPY = ".npz", ".npy"
IMAGE_DIMENSIONS = 3
PART_BYTES = 2**24
"""Of an array that are read at a time."""


def is_arrays(path: Path) -> bool:
    """Whether a file holds arrays, by its name."""
    return path.suffix.lower() in (NPZ, NPY)


@dataclass(frozen=True)
class ArraySample:
    """One sample of a file of arrays."""

    file: str
    row: int
    """From 1."""
    values: Array | dict[str, Array]

    @property
    def place(self) -> Place:
        """Of the sample, for the output."""
        return {"input": self.file, "row": self.row}

    @property
    def where(self) -> str:
        """Of the sample, for messages."""
        return f"{self.file}, sample {self.row}"


class ArrayReader(Reader[ArraySample]):
    """Reads x of an .npz file, or an .npy file, whose samples have the shape of those that were trained on."""

    name: ClassVar[str] = "arrays"

    def __init__(self, raw: dict[str, Any], channels_last: bool = False) -> None:
        """raw: shape and type of one sample, or of each tensor by name, see `workbench.data.inputs.describe`.

        channels_last: whether samples of three dimensions had their channels last in the file.
        """
        self.raw = raw
        self.channels_last = channels_last

    def arguments(self) -> dict[str, Any]:
        return {"raw": self.raw, "channels_last": self.channels_last}

    @property
    def takes(self) -> str:
        if not self._is_one_tensor:
            return f"an .npz file with the arrays {', '.join(self.raw)}"
        shape = ", ".join(("n", *map(str, self.raw["shape"])))
        return f"an .npz file with an array x of shape ({shape}), {self.raw['type']}, or an .npy file"

    def items(self, source: Source) -> Iterator[tuple[Place, ArraySample]]:
        if source.is_stdin or (not is_arrays(source.path) and source.path.exists()):
            raise DataError(f"{source.shown} is not what the model takes: {self.takes}")
        for sample in self._samples(source):
            yield sample.place, sample

    def make(self, items: Sequence[ArraySample]) -> Inputs:
        if self._is_one_tensor:
            return _stacked([_fitting(each, each.values, self.raw, self.channels_last) for each in items])
        named: dict[str, Tensor] = {}
        for name, raw in self.raw.items():
            values = [each.values[name] for each in items if isinstance(each.values, dict)]
            named[name] = _stacked(
                [_fitting(each, array, raw, False, name) for each, array in zip(items, values, strict=True)]
            )
        return named

    @property
    def _is_one_tensor(self) -> bool:
        return isinstance(self.raw.get("shape"), list)

    def _samples(self, source: Source) -> Iterator[ArraySample]:
        with _readable(source), source.open() as opened:
            if source.path.suffix.lower() == NPY:
                yield from self._of_array(source, opened)
            else:
                with zipfile.ZipFile(opened) as archive:
                    yield from self._of_archive(source, archive)

    def _of_array(self, source: Source, opened: IO[bytes]) -> Iterator[ArraySample]:
        if not self._is_one_tensor:
            raise DataError(f"{source.name} is a single array, but the model takes {self.takes}")
        for row, values in enumerate(self._parts_of(opened, source.name, "", self.raw), 1):
            yield ArraySample(source.name, row, values)

    def _of_archive(self, source: Source, archive: zipfile.ZipFile) -> Iterator[ArraySample]:
        names = [name.removesuffix(NPY) for name in archive.namelist()]
        chosen = [self._chosen(source.name, names)] if self._is_one_tensor else list(self.raw)
        if missing := [name for name in chosen if name not in names]:
            raise DataError(f"{source.name} lacks the array {missing[0]}; it has {', '.join(names)}")
        with ExitStack() as stack:
            members = [stack.enter_context(archive.open(f"{name}{NPY}")) for name in chosen]
            named = dict.fromkeys(chosen, self.raw) if self._is_one_tensor else self.raw
            streams = [
                self._parts_of(member, source.name, name, named[name])
                for member, name in zip(members, chosen, strict=True)
            ]
            for row, together in enumerate(_together(source.name, streams), 1):
                alone = together[0] if self._is_one_tensor else dict(zip(chosen, together, strict=True))
                yield ArraySample(source.name, row, alone)

    def _parts_of(self, opened: IO[bytes], file: str, name: str, raw: dict[str, Any]) -> Iterator[Array]:
        """The samples of an array in an .npy file, one after the other.

        Raises DataError, for another shape or too little memory before any of it is read: a small compressed file may
        claim to hold an array of any size.
        """
        where = f"{file}, {name}" if name else file
        version = np.lib.format.read_magic(opened)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = header(opened)
        if dtype.hasobject or dtype.kind not in "biuf":
            raise DataError(f"{where} has type {dtype}; it must hold numbers")
        if not shape or 0 in shape:
            raise DataError(f"{where} has shape {shape}; it must hold samples")
        by_name = "" if self._is_one_tensor else name
        if not _fits(shape[1:], raw["shape"], by_name):
            raise DataError(f"{file}, sample 1: {_wrong_shape(by_name, shape[1:], raw['shape'])}")
        one = math.prod(shape[1:]) * dtype.itemsize
        if is_fortran and len(shape) > 1:  # the numbers of a sample lie apart
            _check_memory(one * shape[0], where)
            whole = np.frombuffer(_exactly(opened, one * shape[0], where), dtype=dtype)
            yield from whole.reshape(shape[::-1]).transpose()
            return
        _check_memory(one, where)
        rows = max(PART_BYTES // one, 1)
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            yield from np.frombuffer(_exactly(opened, one * count, where), dtype=dtype).reshape(count, *shape[1:])

    def _chosen(self, file: str, names: list[str]) -> str:
        inputs = [name for name in names if name == "x" or name.startswith("x_")]
        candidates = ["x"] if "x" in names else inputs or names
        if len(candidates) != 1:
            raise DataError(f"{file} needs one array x to predict; it has {', '.join(names) or 'nothing'}")
        return candidates[0]


@contextmanager
def _readable(source: Source) -> Iterator[None]:
    """Raises DataError for whatever reading the file raises."""
    try:
        yield
    except WorkbenchError:
        raise
    except OSError as error:
        raise DataError(f"cannot read {source.name}: {error.strerror or error}") from error
    except Exception as error:
        # zipfile, zlib and NumPy may raise anything for a damaged file.
        raise DataError(f"{source.name} is not a readable {source.path.suffix} file: {error}") from error


def _together(file: str, streams: list[Iterator[Array]]) -> Iterator[tuple[Array, ...]]:
    try:
        yield from zip(*streams, strict=True)
    except ValueError as error:
        if "zip()" not in str(error):
            raise
        raise DataError(f"{file}: its arrays differ in the number of samples") from error


def _check_memory(needed: int, where: str) -> None:
    free = free_bytes()
    if needed > most_bytes(free):
        raise DataError(
            f"{where} takes {size(needed)} at a time, and several times as much while it is predicted, but "
            f"{size(free)} of memory are free; save its samples in several files, in C order"
        )


def _exactly(opened: IO[bytes], count: int, where: str) -> bytes:
    content = opened.read(count)
    if len(content) < count:
        raise DataError(f"{where} ends too early; it is damaged")
    return content


def _stacked(arrays: list[Array]) -> Tensor:
    if len({array.shape for array in arrays}) > 1:
        raise DataError(
            "the inputs hold samples of different lengths, which fit in no batch together: predict each alone"
        )
    return torch.from_numpy(np.stack(arrays))


def _fitting(sample: ArraySample, values: object, raw: dict[str, Any], channels_last: bool, name: str = "") -> Array:
    """A sample in the shape and the type that the model has seen. Raises DataError."""
    array = np.asarray(values)  # of an array of one dimension, a sample is a NumPy number
    return _finite(sample, _typed(_shaped(sample, array, raw["shape"], channels_last, name), raw["type"]), name)


def _shaped(sample: ArraySample, values: Array, shape: list[int], channels_last: bool, name: str) -> Array:
    if not _fits(values.shape, shape, name):
        raise DataError(f"{sample.where}: {_wrong_shape(name, values.shape, shape)}")
    if len(shape) != IMAGE_DIMENSIONS:
        return values
    if values.ndim == IMAGE_DIMENSIONS - 1:
        return values[None]
    is_last = values.shape == _with_channels_last(shape)
    return np.moveaxis(values, -1, 0) if is_last and (channels_last or list(values.shape) != shape) else values


def _fits(found: tuple[int, ...], shape: list[int], name: str) -> bool:
    """Whether a sample of the shape `found` may stand for one of the model's `shape`."""
    # Tensors by name may be of other lengths: the source's own function made batches of them.
    if list(found) == shape or (name and len(found) == len(shape)):
        return True
    if len(shape) != IMAGE_DIMENSIONS:
        return False
    return found == _with_channels_last(shape) or (shape[0] == 1 and found == tuple(shape[1:]))


def _with_channels_last(shape: list[int]) -> tuple[int, ...]:
    return (*shape[1:], shape[0])


def _wrong_shape(name: str, found: tuple[int, ...], shape: list[int]) -> str:
    return f"{name or 'x'} has shape {tuple(found)}, but samples of the model have {tuple(shape)}"


def _typed(values: Array, expected: str) -> Array:
    """In the type that was seen where that changes no number; else as the model checks it."""
    seen = dtype_named(expected)
    if values.dtype == np.uint8 or (seen == torch.int16 and values.dtype == np.int16):
        return values
    if values.dtype.kind in "iu" and not seen.is_floating_point:
        return values.astype(np.int64)
    return values.astype(np.float32 if np.can_cast(values.dtype, np.float32) else np.float64)


def _finite(sample: ArraySample, values: Array, name: str) -> Array:
    if values.dtype.kind == "f" and not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise DataError(f"{sample.where}: {name or 'x'} holds a number that is not finite in float32")
    return values
