"""Arrays from a NumPy .npz file."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workbench.data.channels import COMMON_CHANNELS, channels_axis
from workbench.data.inputs import describe
from workbench.data.one_hot import is_one_hot
from workbench.data.readers.kinds import reader_of_raw
from workbench.data.samples import InMemory, Samples, Task
from workbench.data.target import implausible_classes
from workbench.devices.host import HostMonitor
from workbench.errors import DataError
from workbench.files import open_regular
from workbench.units import size

Array = npt.NDArray[Any]

ZIP, NPY = b"PK", b"\x93NUMPY"
"""First bytes of an .npz file, which is a zip archive, and of an .npy file."""

SUFFIXES = {
    "": "train",
    "_train": "train",
    "_validation": "validation",
    "_val": "validation",
    "_test": "test",
}
"""Suffixes of the names x and y, and the split that each stands for."""


def arrays(
    file: Path,
    task: Literal["auto", "classification", "regression"],
    channels: Literal["auto", "first", "last"] = "auto",
) -> Samples:
    """Inputs x and targets y, or x_train, y_train and the like for validation (or val) and test.

    x: (n, columns) is a table; (n, height, width), (n, channels, height, width) and (n, height, width, channels) are
    images. uint8 stays; types that float32 represents exactly become float32, all others float64. y: whole numbers of
    shape (n,) or (n, 1) are classes, whose numbers may have gaps; floating-point numbers of shape (n,) or (n, outputs)
    are regression targets; `task` overrides this. channels: where four-dimensional images have their channels; "auto"
    infers it from the shape.

    Raises DataError, with the name of the array, for anything that cannot be trained on.
    """
    loaded = _load(file)
    names = _names(file, loaded)
    train = loaded[f"x{names['train']}"]
    channels = _channels(file, f"x{names['train']}", train, channels) if train.ndim == 4 else channels
    inputs = {split: _inputs(file, f"x{suffix}", loaded[f"x{suffix}"], channels) for split, suffix in names.items()}
    found_task, targets, notes = _targets(
        file, {split: (f"y{end}", loaded[f"y{end}"]) for split, end in names.items()}, task
    )
    for split, suffix in names.items():
        if len(inputs[split]) != len(targets[split]):
            raise DataError(
                f"{file}: {len(inputs[split])} samples in x{suffix}, but {len(targets[split])} in y{suffix}"
            )
        if inputs[split].shape[1:] != inputs["train"].shape[1:]:
            expected, found = tuple(inputs["train"].shape[1:]), tuple(inputs[split].shape[1:])
            raise DataError(f"{file}: samples of x{suffix} have shape {found}, but training samples {expected}")
        if (inputs[split].dtype == torch.uint8) != (inputs["train"].dtype == torch.uint8):
            raise DataError(
                f"{file}: x{suffix} is of type {loaded[f'x{suffix}'].dtype}, but x{names['train']} of type "
                f"{train.dtype}: only uint8 is read as pixels and scaled to 0 to 1; save all with one type"
            )
    splits = {split: InMemory(inputs[split], targets[split]) for split in names}
    used = {f"{letter}{suffix}" for suffix in names.values() for letter in "xy"}
    unused = sorted(set(loaded) - used)
    letters = "xy" if found_task.kind == "regression" else "x"  # class numbers stay whole
    measured = [f"{letter}{names['train']}" for letter in letters]
    notes += [note for name in measured for note in _rounded(name, loaded[name])]
    notes += [f"left out the arrays {', '.join(unused)}"] if unused else []
    if train.ndim == 4 and inputs["train"].shape[1] not in COMMON_CHANNELS:
        count, height, width = inputs["train"].shape[1:]
        where = f"x{names['train']} is read as {count} channels of {height} × {width}, channels {channels}"
        notes.append(f"{where}; data.channels changes this")
    return Samples(
        splits["train"],
        found_task,
        validation=splits.get("validation"),
        test=splits.get("test"),
        notes=tuple(notes),
        reader=reader_of_raw(describe(inputs["train"]), channels_last=channels == "last"),
    )


def _load(file: Path) -> dict[str, Array]:
    try:
        with open_regular(file) as opened:
            return _read(file, opened)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist; data.file must name an .npz file") from error
    except IsADirectoryError as error:
        raise DataError(f"{file} is a folder; data.file must name an .npz file") from error
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    except Exception as error:
        # zipfile, zlib and NumPy may raise anything for a damaged archive.
        raise DataError(f"{file} is not a readable .npz file: {error}") from error


def _read(file: Path, opened: IO[bytes]) -> dict[str, Array]:
    if not opened.read(len(NPY)).startswith((ZIP, NPY)):
        # NumPy would take the file for a pickle and advise to load it, which could run code.
        raise DataError(f"{file} is not an .npz file; save x and y with numpy.savez, or choose another data.name")
    opened.seek(0)
    # No pickles: loading one runs the code in it.
    archive = np.load(opened, allow_pickle=False)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError(f"{file} holds a single array; save x and y with numpy.savez")
    with archive:
        _check_sizes(file, archive)
        return {name: _load_array(file, archive, name) for name in archive.files}


def _check_sizes(file: Path, archive: Any) -> None:
    """Raises DataError if the arrays do not fit in memory. Reads only the sizes that the archive gives."""
    free_bytes = HostMonitor(os.getpid()).read().available_bytes
    members: list[zipfile.ZipInfo] = archive.zip.infolist()
    needed_bytes = sum(member.file_size for member in members)
    if needed_bytes > free_bytes:
        raise DataError(
            f"{file}: its arrays take {size(needed_bytes)} of memory, but {size(free_bytes)} are free; train on a "
            'part of it, or use a dataset that reads its samples one by one (data.name = "module")'
        )
    for member in members:
        with archive.zip.open(member) as opened:
            shape, declared_bytes = _declared(opened)
        if declared_bytes > member.file_size:
            raise DataError(
                f"{file}: {member.filename.removesuffix('.npy')} claims shape {shape}, but the file holds "
                f"only {size(member.file_size)} of its {size(declared_bytes)}; it is damaged"
            )


def _declared(opened: IO[bytes]) -> tuple[tuple[int, ...], int]:
    """Reads the shape and the size in bytes from the header of an .npy member; () and 0 if it is not an array."""
    if opened.read(6) != b"\x93NUMPY":
        return (), 0
    version = tuple(opened.read(2))
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(opened)
    return shape, 0 if dtype.hasobject else math.prod(shape) * dtype.itemsize


def _load_array(file: Path, archive: Any, name: str) -> Array:
    try:
        array: Array = archive[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise DataError(f"{file}: {name} holds Python objects; save it as an array of numbers") from error
    return array


def _names(file: Path, loaded: dict[str, Array]) -> dict[str, str]:
    """Maps each split in the file to the suffix of its arrays' names."""
    names: dict[str, str] = {}
    there = ", ".join(sorted(loaded)) or "nothing"
    for suffix, split in SUFFIXES.items():
        x, y = f"x{suffix}", f"y{suffix}"
        if (x in loaded) != (y in loaded):
            raise DataError(f"{file} has {x if x in loaded else y} without {y if x in loaded else x}; it has {there}")
        if x in loaded and split in names:
            raise DataError(f"{file} has both x{names[split]} and {x}; keep one of them")
        if x in loaded:
            names[split] = suffix
    if "train" not in names:
        raise DataError(f"{file} needs x and y, or x_train and y_train; it has {there}")
    return names


def _channels(
    file: Path, name: str, x: Array, channels: Literal["auto", "first", "last"]
) -> Literal["auto", "first", "last"]:
    """Resolves "auto": whether the channels come first or last."""
    if channels != "auto":
        return channels
    axis = channels_axis(x.shape[1:])
    if axis == "unclear":
        raise DataError(
            f"{file}: {name} has shape {x.shape}, which does not show where the channels are; set "
            'data.channels = "first" or "last"'
        )
    return axis


def _inputs(file: Path, name: str, x: Array, channels: Literal["auto", "first", "last"]) -> Tensor:
    """Returns x as uint8, float32 or float64, channels first."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"{file}: {name} has type {x.dtype}; it must hold numbers")
    if not 2 <= x.ndim <= 4 or 0 in x.shape:
        raise DataError(
            f"{file}: {name} has shape {x.shape}; it must be (n, columns), (n, height, width), (n, channels, height, "
            "width) or (n, height, width, channels), and not empty"
        )
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and channels == "last":
        x = np.moveaxis(x, -1, 1)
    if x.dtype == np.uint8:
        return torch.from_numpy(np.ascontiguousarray(x))
    return _finite(file, name, x)


def _finite(file: Path, name: str, values: Array) -> Tensor:
    """Converts to float32 if that represents all values of the type exactly, else to float64."""
    # can_cast ignores the byte order: big-endian float32 becomes float32 too.
    kept = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(values, dtype=kept)
    fits = np.abs(converted) <= np.finfo(np.float32).max
    if not fits.all():
        index = tuple(int(i) for i in np.unravel_index(int(np.argmin(fits)), converted.shape))
        raise DataError(
            f"{file}: {name} holds {values[index]} in sample {index[0]} (counted from 0), and "
            f"{int((~fits).sum())} such numbers in total; all must be finite in float32"
        )
    return torch.from_numpy(converted)


def _rounded(name: str, values: Array) -> list[str]:
    """Returns a note if float64 cannot represent the whole numbers exactly."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return []
    back = values.astype(np.float64)
    with np.errstate(invalid="ignore"):  # values rounded up to 2^63 do not fit back into int64
        changed = (np.abs(back) >= 2.0**63) | (back.astype(values.dtype) != values)
    if not changed.any():
        return []
    example = values.reshape(-1)[int(np.argmax(changed.reshape(-1)))]
    return [f"{name} holds whole numbers such as {example}, which are rounded: float64 has about 16 digits"]


def _targets(file: Path, y: dict[str, tuple[str, Array]], task: str) -> tuple[Task, dict[str, Tensor], list[str]]:
    """Returns the task, the targets by split, and notes."""
    name, train = y["train"]
    for other, values in y.values():
        if values.dtype.kind not in "biuf" or values.ndim not in (1, 2) or values.shape[1:] != train.shape[1:]:
            raise DataError(
                f"{file}: {other} has type {values.dtype} and shape {values.shape}; it must hold numbers of shape (n,) "
                f"or (n, outputs), with the same outputs in each split"
            )
    notes = []
    if task != "regression" and all(is_one_hot(values) for _, values in y.values()):
        notes.append(f"{name} is one-hot encoded: each column is a class")
        y = {split: (other, values.argmax(1)) for split, (other, values) in y.items()}
        columns = tuple(map(str, range(train.shape[1])))
        known = {split: torch.from_numpy(values.astype(np.int64)) for split, (_, values) in y.items()}
        return Task("classification", len(columns), classes=columns, targets=(name,)), known, notes
    if task == "regression" or (task == "auto" and train.dtype.kind == "f"):
        targets = {split: _finite(file, other, v.reshape(len(v), -1)) for split, (other, v) in y.items()}
        outputs = targets["train"].shape[1]
        names = tuple(f"{name}[{i}]" for i in range(outputs)) if outputs > 1 else (name,)
        whole = outputs == 1 and bool((targets["train"] == targets["train"].floor()).all())
        doubt = f'{name} has type {train.dtype}: if it holds classes, set data.task = "classification"'
        return Task("regression", outputs, targets=names, doubt=doubt if whole else ""), targets, notes
    if train.ndim == 2 and train.shape[1] != 1:
        raise DataError(
            f"{file}: {name} has shape {train.shape}; classes are one whole number per sample, shape (n,), or one-hot. "
            'To predict several numbers, set data.task = "regression"'
        )
    found_task, classes = _classes(file, y, guessed=task == "auto")
    return found_task, classes, notes


def _classes(file: Path, y: dict[str, tuple[str, Array]], *, guessed: bool) -> tuple[Task, dict[str, Tensor]]:
    """Renumbers the classes from 0 without gaps; the numbers in the file become their names."""
    name, train = y["train"]
    if not np.array_equal(train, np.floor(train)):
        raise DataError(f'{file}: {name} holds fractions, which are not classes; set data.task = "regression"')
    known = np.unique(train)
    if len(known) < 2:
        raise DataError(f"{file}: {name} has {len(known)} classes; classification needs at least two")
    if guessed and (problem := implausible_classes(len(known), len(train))):
        raise DataError(
            f"{file}: {name} has a whole-number type, so its values would be classes, but {problem}; set data.task "
            'to "regression" to predict numbers, or to "classification"'
        )
    targets = {}
    for split, (other, values) in y.items():
        unknown = np.setdiff1d(values, known)
        if len(unknown):
            raise DataError(f"{file}: {other} has class {unknown[0]}, which {name} does not have")
        targets[split] = torch.from_numpy(np.searchsorted(known, values.reshape(-1)).astype(np.int64))
    labels = tuple(str(int(label)) for label in known)
    doubt = 'set data.task = "regression" to predict them as numbers' if guessed else ""
    return Task("classification", len(known), classes=labels, targets=(name,), doubt=doubt), targets
