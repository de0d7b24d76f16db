"""Data sets that torchvision knows: read if they are there, downloaded once if not."""

from __future__ import annotations

import socket
import tarfile
import time
import urllib.error
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Samples, Task
from workbench.errors import DataError
from workbench.files import storage_error

NETWORK_TIMEOUT_SECONDS = 20
REPORT_SECONDS = 0.1

_CLASSES = {
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "svhn": "SVHN",
}
_FILES = {
    "mnist": "the four idx files in MNIST/raw",
    "fashion_mnist": "the four idx files in FashionMNIST/raw",
    "kmnist": "the four idx files in KMNIST/raw",
    "cifar10": "cifar-10-python.tar.gz",
    "cifar100": "cifar-100-python.tar.gz",
    "svhn": "train_32x32.mat and test_32x32.mat",
}


def torchvision_set(name: str, folder: Path, report: Callable[[Progress], None]) -> Samples:
    """uint8 images (n, channels, height, width) with their own test split.

    name: mnist, fashion_mnist, kmnist, cifar10, cifar100 or svhn; folder: torchvision's `root`. `report` hears of a
    download. Raises DataError when there is neither the data nor a network, or files are broken; StorageError when
    the folder cannot be written.
    """
    train, test = (_read(name, folder, is_train, report) for is_train in (True, False))
    classes = tuple(str(item) for item in getattr(train, "classes", range(10)))
    task = Task("classification", outputs=len(classes), classes=classes)
    return Samples(_samples(train), task, "image", test=_samples(test))


def _read(name: str, folder: Path, train: bool, report: Callable[[Progress], None]) -> Any:
    try:
        return _open(name, folder, train, download=False)
    except (RuntimeError, OSError):
        pass  # not there, or not whole: torchvision says "Dataset not found or corrupted" for both
    except (ValueError, EOFError) as error:
        raise DataError(f"the files of {name} in {folder} are broken ({error}); remove them to download anew") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    try:
        with _reported(name, report), _network_timeout():
            return _open(name, folder, train, download=True)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise _offline(name, folder, error) from error
    except OSError as error:
        raise storage_error(folder, error) from error
    except (RuntimeError, ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise _offline(name, folder, error) from error


def _open(name: str, folder: Path, train: bool, download: bool) -> Any:
    from torchvision import datasets

    data_set = getattr(datasets, _CLASSES[name])
    if name == "svhn":
        return data_set(str(folder), split="train" if train else "test", download=download)
    return data_set(str(folder), train=train, download=download)


def _offline(name: str, folder: Path, error: Exception) -> DataError:
    reason = str(getattr(error, "reason", None) or error).splitlines()[0]
    return DataError(
        f"{name} is not (whole) in {folder} and could not be downloaded: {reason}. Without a network, copy "
        f"{_FILES[name]} into that folder from a machine that has it, or let data.folder (or WORKBENCH_DATA) point "
        "to where it is"
    )


def _samples(data_set: Any) -> InMemory:
    labels = data_set.labels if hasattr(data_set, "labels") else data_set.targets
    targets = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    pixels: Tensor = torch.as_tensor(data_set.data)
    if pixels.dim() == 3:
        pixels = pixels.unsqueeze(1)
    elif pixels.shape[-1] == 3:
        pixels = pixels.permute(0, 3, 1, 2)
    return InMemory(pixels.contiguous(), targets)


@contextmanager
def _network_timeout() -> Iterator[None]:
    """A network that swallows packets must not hang the run."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _reported(name: str, report: Callable[[Progress], None]) -> Iterator[None]:
    """torchvision shows downloads by tqdm alone: while it downloads, a stand-in of ours takes tqdm's place."""
    from torchvision.datasets import utils

    class Bar(_Bar):
        what = f"downloading {name}"
        tell = staticmethod(report)

    original = utils.tqdm
    utils.tqdm = Bar
    try:
        yield
    finally:
        utils.tqdm = original


class _Bar:
    """As much of tqdm as torchvision uses."""

    what: str
    tell: Callable[[Progress], None]

    def __init__(self, iterable: Any = None, total: int | None = None, **_: Any) -> None:
        self._iterable = iterable
        self._total = total
        self._done = 0
        self._next_report = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._report()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._iterable or ())

    def update(self, amount: int = 1) -> None:
        self._done += amount
        if time.monotonic() >= self._next_report:
            self._report()

    def close(self) -> None:
        self._report()

    def _report(self) -> None:
        self._next_report = time.monotonic() + REPORT_SECONDS
        self.tell(Progress(self.what, self._done, self._total, "bytes"))
