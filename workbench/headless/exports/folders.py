"""Writes a folder of files whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from workbench.errors import UsageError
from workbench.files import exists, storage_error, umask


def write_folder(path: Path, suffix: str, write: Callable[[Path], object]) -> int:
    """Calls `write` with a new folder, which then gets the name `path`; returns the bytes of its files.

    A folder that is there already is replaced if it holds nothing but files with that suffix, as from an earlier
    export. Raises UsageError if it holds anything else, and StorageError; nothing is left half-written.
    """
    _check_replaceable(path, suffix)
    made: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        write(made)
        written = sum(file.stat().st_size for file in made.iterdir())
        made.chmod(0o777 & ~umask())
        if path.exists():
            shutil.rmtree(path)
        made.rename(path)
        return written
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if made is not None:
            with suppress(OSError):
                shutil.rmtree(made)


def _check_replaceable(path: Path, suffix: str) -> None:
    if not exists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise UsageError(f"{path} is not a folder: choose another --out")
    if other := next((each for each in path.iterdir() if each.suffix != suffix or not each.is_file()), None):
        raise UsageError(f"{path} holds other files, such as {other.name}: choose another --out")
