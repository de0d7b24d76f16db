"""Writes files and folders whole or not at all.

A crash, a full disk or a second writer leaves no incomplete file, and what a killed process has left is removed by the
next that writes there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from workbench.errors import first_line
from workbench.files import exists, storage_error

_waits_for_disk = True


@contextlib.contextmanager
def without_sync() -> Iterator[None]:
    """Within it, this process does not wait until the disk has what it writes.

    A kill leaves the files whole nevertheless; if the machine itself fails, they may be lost. For trials of a study:
    there are many, each can be trained again, and waiting took a quarter of the time of a short one.
    """
    global _waits_for_disk
    before, _waits_for_disk = _waits_for_disk, False
    try:
        yield
    finally:
        _waits_for_disk = before


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
    """Calls `write` with a temporary file beside `path`, syncs it to disk (see `without_sync`), renames it to `path`.

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
            if _waits_for_disk:
                os.fsync(file.fileno())
        # NamedTemporaryFile makes private files; ours get the usual mode.
        temporary.chmod(0o666 & ~umask())
        temporary.replace(path)
        if _waits_for_disk:
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
