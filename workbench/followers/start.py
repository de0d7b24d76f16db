"""Starts the followers that the settings ask for: whoever starts a trainer or a controller calls this afterwards.

A follower is a process in a session of its own: it survives whoever started it, and ends when the
run has ended, also where its trainer was killed. There is at most one of each kind: another waits a while for the lock
of the first, in case that one is about to end, and then gives up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from workbench.alerts.file import has_alerts
from workbench.errors import WorkbenchError
from workbench.files import is_file, make_folder, open_to_append, read_small, short_path, storage_error
from workbench.followers.files import KINDS, FollowerFiles, Kind
from workbench.runs.directory import RunDirectory
from workbench.runs.owned import OwnedDirectory
from workbench.tensorboard.packages import check_packages

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""The environment of a process that imports numpy."""
_STARTED: list[subprocess.Popen[bytes]] = []
"""Those that this process has started: one that has ended is a zombie until it is asked."""


def start_followers(
    directory: OwnedDirectory,
    *,
    tensorboard: Path | None = None,
    since: float | None = None,
    kinds: Sequence[Kind] = KINDS,
) -> list[str]:
    """Starts the followers of a run or a study. Raises nothing: returns what prevented one, a sentence each.

    tensorboard: the log folder of TensorBoard, in which the run gets a folder of its own; None: where the run's
    follower wrote before, else, with the setting runtime.tensorboard, in the run's directory.
    since: what happened before is no news (seconds since 1970); None: before now. kinds: which may be started.
    """
    since = time.time() if since is None else since
    problems = []
    try:
        if "tensorboard" in kinds and (tensorboard is not None or wants_tensorboard(directory)):
            check_packages("it")
            _start(directory, "tensorboard", since, *([str(tensorboard.absolute())] if tensorboard else []))
    except (WorkbenchError, OSError) as error:
        problems.append(f"TensorBoard gets nothing from this run: {error}")
    try:
        if "alerts" in kinds and _wants_alerts(directory):
            _start(directory, "alerts", since)
    except (WorkbenchError, OSError) as error:
        problems.append(f"no alerts are sent: {error}")
    return problems


def wants_tensorboard(directory: OwnedDirectory) -> bool:
    """Whether a follower wrote for TensorBoard before, or the setting runtime.tensorboard asks for one."""
    if is_file(FollowerFiles(directory, "tensorboard").state):
        return True
    try:
        return tomllib.loads(read_small(directory.preset))["runtime"]["tensorboard"] is True
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def _wants_alerts(directory: OwnedDirectory) -> bool:
    """Whether anything would be sent: a trial sends nothing, its study does. Raises UsageError."""
    if not has_alerts() or (isinstance(directory, RunDirectory) and is_file(directory.study)):
        return False
    from workbench.alerts.settings import load_alerts  # with pydantic, which a training loop of the user's own has not

    return load_alerts().sends_anything


def _start(directory: OwnedDirectory, kind: Kind, since: float, *more: str) -> None:
    """Raises StorageError, OSError."""
    files = FollowerFiles(directory, kind)
    make_folder(files.folder)
    try:
        log = open_to_append(files.log)
    except OSError as error:
        raise storage_error(files.log, error) from error
    _STARTED[:] = [process for process in _STARTED if process.poll() is None]
    try:
        process = subprocess.Popen(
            (
                *(sys.executable, "-P", "-m", "workbench.followers.process"),
                *(kind, _sort_of(directory), str(directory.path), repr(since), *more),
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | ONE_THREAD if kind == "tensorboard" else None,
        )
    except OSError as error:
        raise WorkbenchError(f"its process cannot be started ({short_path(files.log)}): {error.strerror}") from error
    finally:
        os.close(log)
    _STARTED.append(process)


def _sort_of(directory: OwnedDirectory) -> str:
    return "run" if isinstance(directory, RunDirectory) else "study"
