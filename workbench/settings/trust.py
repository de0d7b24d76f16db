"""The store of trusted code: one file per key, so that several processes can add keys at the same time.

Anyone who can write there could trust code in the user's place. So only the user may write the folder and its files,
whatever the umask, and a folder that others can write is ignored.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from workbench.errors import StorageError, UntrustedCodeError
from workbench.files import storage_error, user_folder


def contains(key: str) -> bool:
    """Whether the user trusts the code with this key. Raises UntrustedCodeError if others can write to the store."""
    try:
        folder = _folder()
    except StorageError:
        return False  # without a home folder, nothing can have been stored
    file = folder / key
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    for path in (folder, file):
        _check(path)
    return content.startswith(key)


def add(key: str, what: str) -> None:
    """Stores a key. what: a description of the trusted code, for people who read the file.

    Raises StorageError if it cannot be stored, UntrustedCodeError if others can write to the store.
    """
    folder = _folder()
    pending = folder / f".{key}.{os.getpid()}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        _check(folder)
        with suppress(FileNotFoundError):
            pending.unlink()
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{key} {what}\n")
        pending.replace(folder / key)
    except OSError as error:
        raise storage_error(folder, error) from error


def _folder() -> Path:
    return user_folder("config") / "trusted"


def _check(path: Path) -> None:
    """Raises UntrustedCodeError if anyone but the user and root can write the path."""
    found = path.lstat()
    is_own = found.st_uid in (os.geteuid(), 0)
    if is_own and not stat.S_ISLNK(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return
    raise UntrustedCodeError(
        f"others can write {path} and could trust code in your place, so it is ignored. "
        f"Check who owns it, remove it, and trust the code again with --trust-code"
    )
