"""Opens files safely: never through a link, and only regular files; paths as the user types and reads them.

Opening a FIFO could block, and a device may be endless. `workbench.atomic_files` writes them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO, Literal

from workbench.errors import StorageError

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PRIVATE = 0o600
"""Mode of files that only the user may write: anyone who can write a run's control.jsonl controls the run."""


def open_to_append(path: Path) -> int:
    """Opens a regular file to append; a new file is private. Raises OSError, also for a link."""
    return _open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)


def open_to_claim(path: Path) -> int:
    """Opens a regular file to read and write; a new file is private. Raises OSError, also for a link."""
    return _open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)


def read_small(path: Path, most_bytes: int = 2**24) -> str:
    """Reads a regular file in UTF-8. Raises OSError, also if it has more than `most_bytes`, and ValueError."""
    with open_regular(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content.decode()


def _open(path: Path, flags: int) -> int:
    # O_NONBLOCK: opening a FIFO would wait for its other end; regular files ignore the flag.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, PRIVATE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return descriptor


def make_folder(folder: Path) -> None:
    """Makes a folder in an existing one, unless it exists. Raises StorageError, also for a link."""
    try:
        folder.mkdir(exist_ok=True)
        os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
    except OSError as error:
        # For a link, Linux reports ENOTDIR.
        link = OSError(errno.ELOOP, os.strerror(errno.ELOOP)) if folder.is_symlink() else error
        raise storage_error(folder, link) from error


def expanded(path: str) -> Path:
    """Expands `~` in a path that the user typed, if there is a home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def short_path(path: Path) -> str:
    """Shortens a path: relative to the working folder, or to `~`."""
    for base, mark in ((Path.cwd(), ""), (expanded("~"), "~/")):
        if path.is_absolute() and path.is_relative_to(base):
            return f"{mark}{path.relative_to(base)}"
    return str(path)


UserFolder = Literal["config", "state", "cache"]


def user_folder(kind: UserFolder) -> Path:
    """The user's folder for workbench: config for choices, state for what is remembered, cache for the rest.

    Raises StorageError if the user has no home folder, as in a container with another user id.
    """
    import platformdirs

    try:
        folder = getattr(platformdirs, f"user_{kind}_path")("workbench")
    except (RuntimeError, KeyError):
        folder = Path()
    if not folder.is_absolute():  # an unknown home folder stays `~`, a relative path
        raise StorageError(
            f"there is no home folder to keep this in; say where with XDG_{kind.upper()}_HOME=FOLDER, or set HOME"
        )
    return Path(folder)


def is_file(path: Path) -> bool:
    """Whether the file exists; False too for an impossible name (too long, with a NUL)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether there is something at the path; False too for an impossible name (too long, with a NUL)."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def open_regular(path: Path) -> IO[bytes]:
    """Opens a regular file for reading. Refuses a FIFO, which could block, and a device, which may not end.

    Raises OSError, whose `strerror` gives the reason: missing, a folder, a FIFO, a name that is too long.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "No file can have such a name", str(path)) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    kind = "FIFO" if stat.S_ISFIFO(mode) else "device"
    raise OSError(errno.EINVAL, f"It is a {kind}, not a regular file", str(path))


def storage_error(path: Path, error: OSError) -> StorageError:
    """Converts an OSError to a StorageError that says what to do."""
    reason = "it is a link, which is never written through" if error.errno == errno.ELOOP else error.strerror
    reason = reason or str(error)
    help = "Free some space or choose" if error.errno in OUT_OF_SPACE or error.errno is None else "Choose"
    return StorageError(f"cannot write {path}: {reason}. {help} another folder.")
