"""Opens and writes files safely: atomically, never through a link, and only regular files.

A crash, a full disk or a second writer leaves no incomplete file. Opening a FIFO could block, and a device may be
endless.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Literal

from workbench.errors import StorageError, first_line

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


def remove_leftovers(folder: Path) -> None:
    """Removes temporary files that a killed `write_atomically` left. Only the folder's one writer may call it."""
    try:
        found = [entry.path for entry in os.scandir(folder) if _is_temporary(entry.name)]
    except OSError:
        return
    for path in found:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108  scandir gives text


def _is_temporary(name: str) -> bool:
    """Whether a name is that of a temporary file of `write_atomically` or of the profiler."""
    stem, _, ending = name.rpartition(".")
    return len(stem) > 1 and stem.startswith(".") and (len(ending) == 8 or ending == "plain")


def write_atomically(path: Path, write: Callable[[IO[bytes]], object], *, parents: bool = True) -> None:
    """Calls `write` with a temporary file beside `path`, syncs it to disk and renames it to `path`.

    The file at `path` is either the old one or the complete new one. Raises StorageError when the disk is full or the
    folder cannot be written; the temporary file is then removed, and so is it by the next writer if this one is killed.

    parents: makes missing folders; not for a run's directory, which must not reappear after it was deleted.
    """
    if parents:
        with _parents_of(path):
            _remove_dead(path.parent, _prefix(path))
            _write_beside(path, _prefix(path), write)
    else:
        _write_beside(path, f".{path.name}.", write)


def _write_beside(path: Path, prefix: str, write: Callable[[IO[bytes]], object]) -> None:
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=prefix, delete=False) as file:
            temporary = Path(file.name)
            _lock(file.fileno(), wait=True)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # NamedTemporaryFile makes private files; ours get the usual mode.
        temporary.chmod(0o666 & ~umask())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def put_in_place(written: Path, path: Path) -> None:
    """Renames a file or folder to `path`; a folder that is there already is replaced. Raises OSError."""
    if not written.is_dir() or not path.exists():
        written.replace(path)
        return
    old = written.with_name(f"{written.name}.old")
    path.rename(old)
    try:
        written.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            old.rename(path)
        raise


@contextlib.contextmanager
def staged(path: Path, put: Callable[[Path, Path], None] = put_in_place) -> Iterator[Path]:
    """Gives a path for whatever writes a file or folder by its name, and puts it at `path` if nothing is raised.

    It lies in a private folder beside `path`, which is removed in any case: an interruption leaves nothing behind, and
    a kill nothing incomplete at `path`; what a killed process left is removed by the next that writes there. Makes
    missing folders, and removes them again where something is raised. Raises StorageError, also for an OSError of the
    writer, in the name of `path`.

    put: gets what was written, synced to disk, and `path`.
    """
    with _parents_of(path), _named_after(path):
        with scratch_folder(_prefix(path), path.parent) as folder:
            temporary = folder / path.name
            yield temporary
            for each in (*temporary.rglob("*"), temporary):
                _sync(each)
            temporary.chmod((0o777 if temporary.is_dir() else 0o666) & ~umask())
            put(temporary, path)
        _sync(path.parent)


@contextlib.contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Makes a private folder, by default among the system's temporary files, and removes it in any case.

    First it removes the folders of this prefix that killed processes left: a living one holds a lock on its own.
    Raises OSError.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    _remove_dead(parent, prefix)
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        with contextlib.suppress(FileNotFoundError):  # another process took it for dead: it was not locked yet
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            _lock(descriptor, wait=True)
            if folder.exists():
                break
            os.close(descriptor)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _prefix(path: Path) -> str:
    """Of the names of what is being written for `path`; no other file is called so."""
    return f".{path.name[:50]}.workbench."


def _lock(descriptor: int, *, wait: bool = False) -> bool:
    """Locks a file or folder until it is closed; False where another process holds it, or the disk has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _remove_dead(parent: Path, prefix: str) -> None:
    """Removes temporary files and folders of this user with that prefix which no living process holds."""
    name = re.compile(re.escape(prefix) + "[a-z0-9_]{8}")
    with contextlib.suppress(OSError):
        for found in [Path(entry.path) for entry in os.scandir(parent) if name.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_if_dead(found)


def _remove_if_dead(found: Path) -> None:
    descriptor = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid == os.getuid() and _lock(descriptor):
            if stat.S_ISDIR(status.st_mode):
                shutil.rmtree(found, ignore_errors=True)
            elif stat.S_ISREG(status.st_mode):
                found.unlink()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _parents_of(path: Path) -> Iterator[None]:
    """Makes the missing folders above a path, and removes them again where something is raised: nothing is in them."""
    missing = [folder for folder in path.parents if not exists(folder)]
    try:
        with _named_after(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def _named_after(path: Path) -> Iterator[None]:
    """Turns an OSError into a StorageError that names the path that the user knows."""
    try:
        yield
    except BrokenPipeError:  # of what the caller prints meanwhile
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def cause_of_failed_write(file: Path, error: Exception) -> OSError:
    """The OSError behind the error of a library that hides it, found by writing more to the file, which is lost anyway.

    What the library says, where more can be written: it was not the disk.
    """
    try:
        with file.open("ab") as opened:
            opened.write(bytes(2**20))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as cause:
        return cause
    return OSError(first_line(error))


def write_text_atomically(path: Path, text: str, *, parents: bool = True) -> None:
    """`write_atomically` for text in UTF-8; characters that UTF-8 cannot encode become a `?`."""
    write_atomically(path, lambda file: file.write(text.encode(errors="replace")), parents=parents)


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


def umask() -> int:
    """The mode bits that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    # Of a folder too: without this a rename may be lost when the machine loses power.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
