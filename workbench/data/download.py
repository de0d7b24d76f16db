"""Downloading a torchvision data set: progress, a limit on waiting, and words for what goes wrong."""

from __future__ import annotations

import errno
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
from workbench.errors import DataError, StorageError
from workbench.files import storage_error

SILENCE_LIMIT_S = 20.0
"""A server that says nothing for so long is given up."""


def download(name: str, dataset: Any, folder: Path, files: dict[Path, str | None], report: Report) -> None:
    """Downloads torchvision's `dataset` (a class) into `folder`; files that are there and intact are kept.

    files: what has to be there in the end, and the MD5 of each where it is known.

    Raises DataError where the files are not to be had, StorageError where they cannot be written.
    """
    from workbench.data.torchvision_sets import open_dataset

    try:
        with _reported(f"downloading {name}", report), _silence_limit(SILENCE_LIMIT_S):
            for split in ("train", "test"):
                open_dataset(dataset, folder, split, download=True)
    except (OSError, RuntimeError, HTTPException, EOFError, zlib.error, tarfile.TarError) as error:
        if isinstance(error, OSError) and _about_storage(error):
            raise _not_writable(name, folder, error) from error
        raise DataError(_missing(name, folder, files, error)) from error


def _about_storage(error: OSError) -> bool:
    """Whether it was the disk, not the network."""
    if isinstance(error, URLError | ConnectionError | TimeoutError | SSLError):
        return False
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
    return error.filename is not None or error.errno in full


def _not_writable(name: str, folder: Path, error: OSError) -> StorageError:
    problem = storage_error(Path(error.filename or folder), error)
    return StorageError(f"{name} is not in {folder}, and to download it: {problem} data.folder says where it goes.")


def _missing(name: str, folder: Path, files: dict[Path, str | None], error: Exception) -> str:
    from torchvision.datasets.utils import check_integrity

    reason = " ".join(str(error).split()) or type(error).__name__
    # torchvision treats a file with a wrong checksum like a missing one; the user should know which it is.
    damaged = [file.name for file, md5 in files.items() if file.is_file() and not check_integrity(str(file), md5)]
    place = next(iter(files)).parent
    return (
        f"{name} is not complete in {folder} and cannot be downloaded ({reason}). "
        + (f"Damaged: {', '.join(damaged)}. " if damaged else "")
        + f"Put {', '.join(file.name for file in files)} into {place}, or set data.folder to the folder that has "
        f"them in {place.relative_to(folder) if place != folder else 'it'}"
    )


@contextmanager
def _silence_limit(seconds: float) -> Iterator[None]:
    # torchvision passes no timeout to urllib, which then takes this one: else a black-holed network hangs for ever.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _reported(what: str, report: Report) -> Iterator[None]:
    """torchvision tells of a download only through tqdm, by this name: for the time being that name is ours."""
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
