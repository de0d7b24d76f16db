"""What the user has said yes to: one file per answer, so that processes can add answers at the same time.

Whoever can write there could say yes in the user's place. So only the user can write the folder and its files, whatever
the umask, and a folder that others may write is not believed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from workbench.errors import StorageError, UntrustedCodeError
from workbench.files import storage_error, user_folder


def is_kept(key: str) -> bool:
    """Whether the user has said yes to what has this key. Raises UntrustedCodeError where others may have done so."""
    try:
        folder = _folder()
    except StorageError:
        return False  # no home folder: nothing can have been kept
    file = folder / key
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    for path in (folder, file):
        _check(path)
    return content.startswith(key)


def keep(key: str, what: str) -> None:
    """Keeps a yes. what: what was said yes to, for whoever looks into the folder.

    Raises StorageError where it cannot be kept, UntrustedCodeError where others may write there.
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
    """Raises UntrustedCodeError where somebody else may write. Root may do so everywhere."""
    found = path.lstat()
    is_own = found.st_uid in (os.geteuid(), 0)
    if is_own and not stat.S_ISLNK(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return
    raise UntrustedCodeError(
        f"others may write {path}, and could say there in your place that code may run, so it is ignored. "
        f"Check who owns it, remove it, and say yes again with --trust-code"
    )
