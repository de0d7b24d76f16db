"""Arrays from a NumPy .npz file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from workbench.data.samples import InMemory, Samples, Task
from workbench.errors import DataError

MOST_CLASSES = 1000
_NAMES = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}


def arrays(file: Path, task: Literal["auto", "classification", "regression"]) -> Samples:
    """Reads x and y, or x_train, y_train and, if there, x_validation, x_test and their y.

    x: (n, columns) is a table, (n, h, w), (n, c, h, w) or (n, h, w, c) are images; uint8 stays, all else becomes
    float32. y: whole numbers are classes, others a regression of shape (n,) or (n, outputs). Raises DataError.
    """
    loaded = _load(file)
    if "x" in loaded and "y" in loaded:
        pairs = {"train": (loaded["x"], loaded["y"])}
    else:
        pairs = {
            split: (loaded[f"x_{name}"], loaded[f"y_{name}"])
            for split, names in _NAMES.items()
            for name in names
            if f"x_{name}" in loaded and f"y_{name}" in loaded
        }
    if "train" not in pairs:
        raise DataError(f"{file} needs arrays x and y, or x_train and y_train; it has {', '.join(sorted(loaded))}")
    for split, (x, y) in pairs.items():
        if len(x) != len(y) or len(x) == 0:
            raise DataError(f"{file}: {split} has {len(x)} inputs and {len(y)} targets")
    kind = "table" if pairs["train"][0].ndim == 2 else "image" if pairs["train"][0].ndim in (3, 4) else "other"
    posed, targets = _targets(file, {split: y for split, (_, y) in pairs.items()}, task)
    splits = {split: InMemory(_inputs(file, split, x), targets[split]) for split, (x, _) in pairs.items()}
    shapes = {split: tuple(samples.inputs.shape[1:]) for split, samples in splits.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"{file}: the splits hold samples of different shapes: {shapes}")
    return Samples(splits["train"], posed, kind, validation=splits.get("validation"), test=splits.get("test"))


def _load(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{file} holds a single array; an .npz with x and y is needed")
            loaded = {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        reason = "it holds Python objects" if "pickle" in str(error) else str(error)
        raise DataError(f"{file} cannot be read as .npz: {reason}") from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror or error}") from None
    for name, array in loaded.items():
        if array.ndim == 0 or array.dtype.kind not in "biuf":
            raise DataError(f"{file}: {name} is of type {array.dtype} and shape {array.shape}, not an array of numbers")
    return loaded


def _inputs(file: Path, split: str, x: np.ndarray) -> torch.Tensor:
    if x.ndim < 2:
        raise DataError(f"{file}: the inputs of {split} have shape {x.shape}; (n, columns) or images are needed")
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[-1] in (1, 3) and x.shape[1] not in (1, 3):
        x = np.moveaxis(x, -1, 1)
    if x.dtype != np.uint8:
        x = x.astype(np.float32)
        broken = np.argwhere(~np.isfinite(x))
        if len(broken):
            raise DataError(f"{file}: sample {int(broken[0][0])} of {split} holds a number that is not finite")
    return torch.from_numpy(np.ascontiguousarray(x))


def _targets(file: Path, y: dict[str, np.ndarray], task: str) -> tuple[Task, dict[str, torch.Tensor]]:
    train = y["train"]
    flat = train.ndim == 1 or (train.ndim == 2 and train.shape[1] == 1)
    whole = train.dtype.kind in "biu"
    if task == "regression" or (task == "auto" and not (whole and flat)):
        return _numbers(file, y)
    if not flat or not np.array_equal(train, np.floor(train)):
        raise DataError(f"{file}: classes must be whole numbers of shape (n,), not {train.dtype} {train.shape}")
    known: Any = np.unique(train)
    if len(known) < 2:
        raise DataError(f"{file}: y holds only one class, {known[0]}; there is nothing to learn")
    if len(known) > MOST_CLASSES:
        raise DataError(f'{file}: y holds {len(known)} different classes; for numbers set data.task = "regression"')
    targets = {}
    for split, values in y.items():
        column = values.reshape(-1)
        strange = np.setdiff1d(column, known)
        if len(strange):
            raise DataError(f"{file}: class {strange[0]} of {split} does not occur in the training split")
        targets[split] = torch.from_numpy(np.searchsorted(known, column).astype(np.int64))
    names = tuple(str(int(value)) for value in known)
    return Task("classification", outputs=len(known), classes=names), targets


def _numbers(file: Path, y: dict[str, np.ndarray]) -> tuple[Task, dict[str, torch.Tensor]]:
    targets = {}
    for split, values in y.items():
        column = values.astype(np.float32).reshape(len(values), -1)
        if not np.isfinite(column).all():
            raise DataError(f"{file}: y of {split} holds a number that is not finite")
        targets[split] = torch.from_numpy(column)
    outputs = targets["train"].shape[1]
    return Task("regression", outputs=outputs, targets=tuple(f"y{i}" for i in range(outputs))), targets
