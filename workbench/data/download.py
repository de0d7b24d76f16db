"""Downloads a torchvision data set, with progress, a timeout, and error messages that say what to do."""

from __future__ import annotations

import errno
import os
import socket
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import Any
from urllib.error import URLError

from workbench.data.progress import Meter, Report
from workbench.data.torchvision_files import damaged_files, files_of, open_dataset
from workbench.errors import DataError, NotDownloadedError, StorageError
from workbench.files import OUT_OF_SPACE, storage_error

OFFLINE_VARIABLE = "WORKBENCH_OFFLINE"
"""The environment variable that forbids downloads unless it is empty."""

TIMEOUT_S = 20.0
"""How long to wait for a server that sends nothing."""


def download(name: str, dataset: Any, folder: Path, report: Report) -> None:
    """Downloads torchvision's `dataset` (a class), named `name` in presets, into `folder`.

    Raises DataError if the files are not available or downloads are forbidden, StorageError if they cannot be written.
    """
    if os.environ.get(OFFLINE_VARIABLE):
        raise NotDownloadedError(f"{name} is not in {folder} yet: the first run downloads it there")
    try:
        with _reporting_progress(f"downloading {name}", report), _socket_timeout(TIMEOUT_S):
            for split in ("train", "test"):
                open_dataset(dataset, folder, split, download=True)
    except (OSError, RuntimeError, HTTPException, EOFError, zlib.error, tarfile.TarError) as error:
        if isinstance(error, OSError) and _is_storage_error(error):
            problem = storage_error(Path(error.filename or folder), error)
            raise StorageError(
                f"{name} is not complete in {folder} and could not be downloaded: {problem} data.folder sets where."
            ) from error
        raise DataError(_missing(name, dataset, folder, error)) from error


def _is_storage_error(error: OSError) -> bool:
    """Whether the disk failed, not the network."""
    if isinstance(error, URLError | ConnectionError | TimeoutError | SSLError):
        return False
    return error.filename is not None or error.errno in (*OUT_OF_SPACE, errno.EROFS, errno.EIO)


def _missing(name: str, dataset: Any, folder: Path, error: Exception) -> str:
    files = list(files_of(dataset, folder))
    place = files[0].parent
    reason = " ".join(str(error).split()) or type(error).__name__
    # torchvision treats a file with a wrong checksum as missing; the message distinguishes the two.
    damaged = ", ".join(file.name for file in damaged_files(dataset, folder))
    return (
        f"{name} is not complete in {folder} and cannot be downloaded ({reason}). "
        + (f"Damaged: {damaged}. " if damaged else "")
        + f"Put {', '.join(file.name for file in files)} into {place}, or set data.folder to the folder that has "
        f"them in {place.relative_to(folder) if place != folder else 'it'}"
    )


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    # torchvision passes no timeout to urllib, which then uses this default: without it a dead network hangs forever.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _reporting_progress(what: str, report: Report) -> Iterator[None]:
    """Replaces torchvision's tqdm, its only report of a download's progress, while the context is active."""
    from torchvision.datasets import utils

    class Bar:
        def __init__(self, total: int | None = None, **_: object) -> None:
            self._meter = Meter(report, what, total, "bytes")

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            self._meter.finish()

        def update(self, count: int) -> None:
            self._meter.add(count)

    tqdm = utils.tqdm
    utils.tqdm = Bar
    try:
        yield
    finally:
        utils.tqdm = tqdm
