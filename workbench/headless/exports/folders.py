"""Writes a folder of files whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.atomic_files import staged
from workbench.errors import UsageError
from workbench.files import exists


def write_folder(path: Path, suffix: str, write: Callable[[Path], object]) -> int:
    """Calls `write` with a new folder, which then gets the name `path`; returns the bytes of its files.

    A folder that is there already is replaced if it holds nothing but files with that suffix, as from an earlier
    export. Raises UsageError if it holds anything else, and StorageError; nothing is left half-written.
    """
    _check_replaceable(path, suffix)
    with staged(path) as folder:
        folder.mkdir()
        write(folder)
        return sum(file.stat().st_size for file in folder.iterdir())


def _check_replaceable(path: Path, suffix: str) -> None:
    if not exists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise UsageError(f"{path} is not a folder: choose another --out")
    if other := next((each for each in path.iterdir() if each.suffix != suffix or not each.is_file()), None):
        raise UsageError(f"{path} holds other files, such as {other.name}: choose another --out")
