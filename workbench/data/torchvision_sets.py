"""Reads torchvision's data sets, and downloads missing files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.data.download import download
from workbench.data.progress import Report
from workbench.data.readers.images import ImageReader
from workbench.data.samples import InMemory, Samples, Task
from workbench.data.torchvision_files import damaged_files, open_dataset
from workbench.errors import DataError

CLASS_NAMES = {
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "svhn": "SVHN",
}
"""The name of each data set in presets, and torchvision's class."""


def torchvision_set(name: str, folder: Path, report: Report) -> Samples:
    """Reads the data set `name` (a key of CLASS_NAMES) with its test split: uint8 images (n, channels, height, width).

    folder: torchvision's `root`; MNIST's files, for example, are in folder/MNIST/raw. Missing files are downloaded into
    it, and `report` receives the progress; nothing else is written.

    Raises DataError if files are damaged or cannot be downloaded, StorageError if they cannot be written.
    """
    from torchvision import datasets

    dataset = getattr(datasets, CLASS_NAMES[name])
    train, test = _read(name, dataset, folder, "train"), _read(name, dataset, folder, "test")
    if train is None or test is None:
        download(name, dataset, folder, report)
        train, test = _read(name, dataset, folder, "train"), _read(name, dataset, folder, "test")
    if train is None or test is None:
        raise DataError(f"{name}: files are missing in {folder} after the download; delete it and start again")
    classes = train[1]
    task = Task("classification", len(classes), classes=classes)
    return Samples(train[0], task, test=test[0], reader=ImageReader(tuple(train[0].inputs.shape[1:])))


def _read(name: str, dataset: Any, folder: Path, split: str) -> tuple[InMemory, tuple[str, ...]] | None:
    """Reads a split and the names of its classes; None if files are missing. Raises DataError if they are damaged."""
    try:
        data = open_dataset(dataset, folder, split, download=False)
        classes = tuple(str(label) for label in getattr(data, "classes", range(10)))
        return _in_memory(data, len(classes)), classes
    except OSError as error:
        raise DataError(f"{name}: cannot read {error.filename or folder}: {error.strerror or error}") from error
    except Exception as error:
        # torchvision may raise anything for a damaged file: AssertionError, KeyError, UnpicklingError, ...
        if isinstance(error, RuntimeError) and "not found" in str(error):
            return None
        damaged = ", ".join(map(str, damaged_files(dataset, folder))) or str(folder)
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DataError(
            f"{name}: {damaged} is damaged ({reason}); delete it and start again to download it again, "
            "or put an intact copy there"
        ) from error


def _in_memory(data: Any, classes: int) -> InMemory:
    images = torch.from_numpy(np.ascontiguousarray(_channels_first(data)))
    targets = torch.as_tensor(data.labels if hasattr(data, "labels") else data.targets, dtype=torch.int64)
    if len(targets) == 0 or not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise ValueError(f"labels are not all from 0 to {classes - 1}")
    return InMemory(images, targets)


def _channels_first(data: Any) -> Any:
    """Returns pixels as uint8 (n, channels, height, width): MNIST has no channel axis, CIFAR has it last."""
    pixels = data.data.numpy() if isinstance(data.data, Tensor) else data.data
    if pixels.ndim == 3:
        return pixels[:, None]
    return pixels.transpose(0, 3, 1, 2) if pixels.shape[-1] == 3 else pixels
