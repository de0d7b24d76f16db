"""Arrays from a NumPy .npz file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workbench.data.channels import COMMON_CHANNELS, channels_axis
from workbench.data.samples import InMemory, Samples, Task
from workbench.errors import DataError

Array = npt.NDArray[Any]

ENDINGS = {
    "": "train",
    "_train": "train",
    "_validation": "validation",
    "_val": "validation",
    "_test": "test",
}
"""What x and y may end in, and which split that is."""


def arrays(
    file: Path,
    task: Literal["auto", "classification", "regression"],
    channels: Literal["auto", "first", "last"] = "auto",
) -> Samples:
    """Inputs x and targets y, or x_train, y_train and the like for validation (or val) and test.

    x: (n, columns) is a table; (n, height, width), (n, channels, height, width) and (n, height, width, channels) are
    images. uint8 stays; types that float32 holds exactly become that, all others float64. y: (n,) or (n, 1) whole
    numbers are classes, whose numbers need not be without gaps; floating-point numbers, (n,) or (n, outputs), are a
    regression; `task` overrides that. channels: where images of four dimensions have theirs; "auto" goes by the shape.

    Raises DataError, with the name of the array, for anything that cannot be trained on.
    """
    loaded = _load(file)
    names = _names(file, loaded)
    train = loaded[f"x{names['train']}"]
    channels = _channels(file, f"x{names['train']}", train, channels) if train.ndim == 4 else channels
    inputs = {split: _inputs(file, f"x{ending}", loaded[f"x{ending}"], channels) for split, ending in names.items()}
    posed, targets = _targets(file, {split: (f"y{end}", loaded[f"y{end}"]) for split, end in names.items()}, task)
    for split, ending in names.items():
        if len(inputs[split]) != len(targets[split]):
            raise DataError(
                f"{file}: {len(inputs[split])} samples in x{ending}, but {len(targets[split])} in y{ending}"
            )
        if inputs[split].shape[1:] != inputs["train"].shape[1:]:
            expected, found = tuple(inputs["train"].shape[1:]), tuple(inputs[split].shape[1:])
            raise DataError(f"{file}: samples of x{ending} have shape {found}, but those to train on {expected}")
    splits = {split: InMemory(inputs[split], targets[split]) for split in names}
    used = {f"{letter}{ending}" for ending in names.values() for letter in "xy"}
    unused = sorted(set(loaded) - used)
    notes = [f"left out the arrays {', '.join(unused)}"] if unused else []
    if train.ndim == 4 and inputs["train"].shape[1] not in COMMON_CHANNELS:
        count, height, width = inputs["train"].shape[1:]
        where = f"x{names['train']} is read as {count} channels of {height} × {width}, the channels {channels}"
        notes.append(f"{where}; data.channels says otherwise")
    return Samples(
        splits["train"],
        posed,
        kind="table" if inputs["train"].ndim == 2 else "image",
        validation=splits.get("validation"),
        test=splits.get("test"),
        notes=tuple(notes),
    )


def _load(file: Path) -> dict[str, Array]:
    if file.is_dir():
        raise DataError(f"{file} is a folder; data.file must name an .npz file")
    try:
        # Never pickles: loading one runs whatever code it holds.
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{file} holds a single array; save x and y with numpy.savez")
        with archive:
            return {name: _load_array(file, archive, name) for name in archive.files}
    except FileNotFoundError as error:
        raise DataError(f"{file} is not there; data.file must name an .npz file") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise DataError(f"{file} is not an .npz file that can be read: {error}") from error


def _load_array(file: Path, archive: Any, name: str) -> Array:
    try:
        array: Array = archive[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise DataError(f"{file}: {name} holds Python objects; save it as an array of numbers") from error
    return array


def _names(file: Path, loaded: dict[str, Array]) -> dict[str, str]:
    """The splits that the file has, and what the names of their arrays end in."""
    names: dict[str, str] = {}
    there = ", ".join(sorted(loaded)) or "nothing"
    for ending, split in ENDINGS.items():
        x, y = f"x{ending}", f"y{ending}"
        if (x in loaded) != (y in loaded):
            raise DataError(f"{file} has {x if x in loaded else y} without {y if x in loaded else x}; it has {there}")
        if x in loaded and split in names:
            raise DataError(f"{file} has both x{names[split]} and {x}; keep one of them")
        if x in loaded:
            names[split] = ending
    if "train" not in names:
        raise DataError(f"{file} needs x and y, or x_train and y_train; it has {there}")
    return names


def _channels(
    file: Path, name: str, x: Array, channels: Literal["auto", "first", "last"]
) -> Literal["auto", "first", "last"]:
    """Where the channels are; never "auto"."""
    if channels != "auto":
        return channels
    axis = channels_axis(x.shape[1:])
    if axis == "unclear":
        raise DataError(
            f"{file}: {name} has shape {x.shape}, which does not tell where the channels are; set "
            'data.channels = "first" or "last"'
        )
    return axis


def _inputs(file: Path, name: str, x: Array, channels: Literal["auto", "first", "last"]) -> Tensor:
    """As uint8, float32 or float64, channels first."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"{file}: {name} has type {x.dtype}; numbers are needed")
    if not 2 <= x.ndim <= 4 or 0 in x.shape:
        raise DataError(
            f"{file}: {name} has shape {x.shape}; (n, columns), (n, height, width), (n, channels, height, width) or "
            "(n, height, width, channels) is needed, and none of it empty"
        )
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and channels == "last":
        x = np.moveaxis(x, -1, 1)
    if x.dtype == np.uint8:
        return torch.from_numpy(np.ascontiguousarray(x))
    return _finite(file, name, x)


def _finite(file: Path, name: str, values: Array) -> Tensor:
    """As float32 if that holds all values of the type exactly, else as float64."""
    # Under another byte order the same: NumPy says that float32 holds what it holds.
    kept = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(values, dtype=kept)
    fits = np.abs(converted) <= np.finfo(np.float32).max
    if not fits.all():
        index = tuple(int(i) for i in np.unravel_index(int(np.argmin(fits)), converted.shape))
        raise DataError(
            f"{file}: {name} holds {values[index]} in sample {index[0]} (counted from 0), and "
            f"{int((~fits).sum())} such numbers in all; all must be finite in float32"
        )
    return torch.from_numpy(converted)


def _targets(file: Path, y: dict[str, tuple[str, Array]], task: str) -> tuple[Task, dict[str, Tensor]]:
    name, train = y["train"]
    for other, values in y.values():
        if values.dtype.kind not in "biuf" or values.ndim not in (1, 2) or values.shape[1:] != train.shape[1:]:
            raise DataError(
                f"{file}: {other} has type {values.dtype} and shape {values.shape}; numbers of shape (n,) or "
                f"(n, outputs) are needed, and in each split the same outputs"
            )
    if task == "regression" or (task == "auto" and train.dtype.kind == "f"):
        targets = {split: _finite(file, other, v.reshape(len(v), -1)) for split, (other, v) in y.items()}
        outputs = targets["train"].shape[1]
        return Task("regression", outputs, targets=tuple(f"{name}[{i}]" for i in range(outputs))), targets
    if train.ndim == 2 and train.shape[1] != 1:
        raise DataError(
            f"{file}: {name} has shape {train.shape}; classes are one whole number a sample, shape (n,). For several "
            'numbers to predict set data.task = "regression"'
        )
    return _classes(file, y)


def _classes(file: Path, y: dict[str, tuple[str, Array]]) -> tuple[Task, dict[str, Tensor]]:
    """Class numbers without gaps; the numbers in the file become the names."""
    name, train = y["train"]
    if not np.array_equal(train, np.floor(train)):
        raise DataError(f'{file}: {name} holds fractions, which are no classes; set data.task = "regression"')
    known = np.unique(train)
    if len(known) < 2:
        raise DataError(f"{file}: {name} has {len(known)} classes; there is nothing to learn from less than two")
    targets = {}
    for split, (other, values) in y.items():
        unknown = np.setdiff1d(values, known)
        if len(unknown):
            raise DataError(f"{file}: {other} has class {unknown[0]}, which {name} has not")
        targets[split] = torch.from_numpy(np.searchsorted(known, values.reshape(-1)).astype(np.int64))
    return Task("classification", len(known), classes=tuple(str(int(label)) for label in known)), targets
