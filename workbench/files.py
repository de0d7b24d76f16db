"""Writing a file so that a crash, a full disk or a second writer never leaves half of it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

from workbench.errors import StorageError

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a temporary file beside `path`, syncs it to disk and renames it to `path`.

    The file at `path` is the old one or the whole new one, never a mixture. Raises StorageError when the
    disk is full or the folder cannot be written; the temporary file is removed then.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # NamedTemporaryFile makes files private; what we write is as readable as any file of the user's.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """`write_atomically` for a text in UTF-8."""
    write_atomically(path, lambda file: file.write(text.encode()))


def expanded(path: str) -> Path:
    """A path as a user types it, with `~` for the home folder; as it stands where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def short_path(path: Path) -> str:
    """A path as short as people know it: from the working folder, or from their home."""
    for base, mark in ((Path.cwd(), ""), (expanded("~"), "~/")):
        if path.is_absolute() and path.is_relative_to(base):
            return f"{mark}{path.relative_to(base)}"
    return str(path)


UserFolder = Literal["config", "state", "cache"]


def user_folder(kind: UserFolder) -> Path:
    """Our folder among the user's own: of what they choose, of what is remembered, of what can be had again.

    Raises StorageError where the user has no home folder, as in a container under a foreign user id.
    """
    import platformdirs

    try:
        folder = getattr(platformdirs, f"user_{kind}_path")("workbench")
    except (RuntimeError, KeyError):
        folder = Path()
    if not folder.is_absolute():  # a home folder that cannot be found is left as `~`, which would be one right here
        raise StorageError(
            f"there is no home folder to keep this in; say where with XDG_{kind.upper()}_HOME=FOLDER, or set HOME"
        )
    return Path(folder)


def is_file(path: Path) -> bool:
    """Whether there is such a file; False too for what cannot be a file's name (too long, a NUL in it)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def storage_error(path: Path, error: OSError) -> StorageError:
    """The same OSError in words that say what to do."""
    reason = error.strerror or str(error)
    help = "Free some space or choose" if error.errno in OUT_OF_SPACE or error.errno is None else "Choose"
    return StorageError(f"cannot write {path}: {reason}. {help} another folder.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    # Without this the rename itself may be lost when the machine loses power.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
