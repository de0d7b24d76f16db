"""The lock of a run (or a study): its trainer holds it, and a run is in progress exactly while its lock is held.

A process id is not enough: clocks change, containers have their own process ids, and machines may share a disk. The
kernel releases a lock when its process ends for any reason, and this is visible to everyone who shares the disk.

Two files are locked. The run's directory cannot be deleted separately from the run. Network disks lock only regular
files, so process.json is locked too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator

from workbench.atomic_files import remove_leftovers
from workbench.errors import UsageError
from workbench.files import open_regular, open_to_claim, read_small, storage_error
from workbench.runs.owned import OwnedDirectory

HELD = (errno.EWOULDBLOCK, errno.EACCES)
"""Error numbers if another process holds the lock. Any other error means that the disk does not support locks."""
CLAIM_SECONDS = 0.5
"""How long to wait for a lock: a process that checks whether a run is in progress holds it for a moment."""


class Claim:
    """This process is the run's trainer, until it is closed or the process ends."""

    def __init__(self) -> None:
        self.descriptors: list[int] = []
        """Descriptors of the run's directory and of process.json, which stay locked while these are open."""

    def close(self) -> None:
        """Releases the run."""
        while self.descriptors:
            os.close(self.descriptors.pop())

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def claim(run: OwnedDirectory) -> Claim:
    """Makes this process the run's trainer, and removes what a killed one left half-written.

    Raises UsageError if another process trains this run; StorageError if its directory cannot be written.
    """
    held = Claim()
    try:
        if not _is_locked(run, held):
            held.close()
            raise UsageError(run.is_taken)
        own = json.dumps({"process_id": os.getpid(), "start_time": _start_time(os.getpid())})
        os.truncate(held.descriptors[-1], 0)
        os.write(held.descriptors[-1], f"{own}\n".encode())
    except OSError as error:
        held.close()
        raise storage_error(run.process, error) from error
    # A DataLoader worker that outlives a killed trainer must not hold its lock.
    os.register_at_fork(after_in_child=held.close)
    for folder in run.folders:
        remove_leftovers(folder)
    return held


def is_running(run: OwnedDirectory) -> bool:
    """Whether a trainer holds the run's lock; on a disk without locks, whether the process in process.json is alive."""
    held = [_is_held(descriptor) for descriptor in _opened(run)]
    if True in held:
        return True
    return bool(held) and False not in held and _is_named_process_alive(run)


def process_id(run: OwnedDirectory) -> int | None:
    """The id of the run's living trainer, as the machine or container that it runs in counts; None if unknown."""
    return _read_process(run)[0] if is_running(run) else None


def local_process_id(run: OwnedDirectory) -> int | None:
    """The id of the run's living trainer, if it is a process that this one can see; else None."""
    return _read_process(run)[0] if _is_named_process_alive(run) else None


def _opened(run: OwnedDirectory) -> Iterator[int]:
    """Opens for reading what may be locked, one after the other."""
    with contextlib.suppress(OSError):
        descriptor = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    with contextlib.suppress(OSError), open_regular(run.process) as file:
        yield file.fileno()


def _lock(descriptor: int, how: int) -> bool | None:
    """Tries to lock; returns whether this process now holds the lock, None if the disk has no locks."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in HELD else None
    return True


def _is_locked(run: OwnedDirectory, held: Claim) -> bool:
    """Whether this process now holds the locks, whose descriptors are added to `held`. Raises OSError."""
    held.descriptors.append(os.open(run.path, os.O_RDONLY | os.O_DIRECTORY))
    folder_locked = _wait_for_lock(held.descriptors[-1])
    if folder_locked is False:
        return False
    held.descriptors.append(open_to_claim(run.process))
    file_locked = _wait_for_lock(held.descriptors[-1])
    if folder_locked is file_locked is None:
        return not _is_named_process_alive(run)
    return file_locked is not False


def _wait_for_lock(descriptor: int) -> bool | None:
    """Tries to lock for CLAIM_SECONDS; returns as `_lock` does."""
    until = time.monotonic() + CLAIM_SECONDS
    while (locked := _lock(descriptor, fcntl.LOCK_EX)) is False and time.monotonic() < until:
        time.sleep(CLAIM_SECONDS / 20)
    return locked


def _is_held(descriptor: int) -> bool | None:
    """Whether another process holds the lock; None if unknown. Closing the descriptor releases a shared lock."""
    locked = _lock(descriptor, fcntl.LOCK_SH)
    return None if locked is None else not locked


def _is_named_process_alive(run: OwnedDirectory) -> bool:
    """Whether the process in process.json is alive here, with the same id and start time."""
    process_id, start_time = _read_process(run)
    return process_id is not None and start_time is not None and _start_time(process_id) == start_time


def _read_process(run: OwnedDirectory) -> tuple[int | None, float | None]:
    try:
        values = json.loads(read_small(run.process))
        return int(values["process_id"]), float(values["start_time"])
    except (OSError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        return None, None


def _start_time(process_id: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(process_id)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None  # killed, and not yet reaped by its parent
        return float(process.create_time())
    except (psutil.Error, ValueError, ArithmeticError):
        return None
