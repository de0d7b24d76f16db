"""Starts the trainer of a run: a process of its own, in its own session, that outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import IO

from workbench.errors import TrainerLostError
from workbench.files import open_to_append, storage_error
from workbench.processes.modules import Module, command_line
from workbench.runs.directory import RunDirectory

COMMAND_VARIABLE = "WORKBENCH_COMMAND"
"""The environment variable with the command line that the trainer records in environment.json."""

LAUNCHED_VARIABLE = "WORKBENCH_LAUNCHED"
"""The environment variable with the time at which the trainer was launched, in seconds since 1970."""
EXIT_BUSY = 75
"""The trainer's exit code when another process trains the run (EX_TEMPFAIL of sysexits.h)."""
EXIT_STORAGE = 74
"""The trainer's exit code when even the run directory could not be written (EX_IOERR of sysexits.h)."""


def start_trainer(run: RunDirectory, command: str) -> subprocess.Popen[bytes]:
    """Starts the trainer of a run; what it prints goes to the run's worker.log.

    command: the user's command line, for the record. Raises StorageError, and TrainerLostError where the system starts
    no process.
    """
    with open_worker_log(run) as log:
        try:
            return subprocess.Popen(
                command_line(Module.WORKER, str(run.path)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | trainer_environment(command),
            )
        except OSError as error:
            raise not_started(error) from error


def not_started(error: OSError) -> TrainerLostError:
    """The error where a process cannot be started: no memory, too many processes, an unreadable Python."""
    return TrainerLostError(f"cannot start the trainer's process ({sys.executable}): {error.strerror}")


def open_worker_log(run: RunDirectory) -> IO[bytes]:
    """The run's worker.log, to append to. Raises StorageError where the run's directory cannot be written."""
    try:
        return os.fdopen(open_to_append(run.worker_log), "ab")
    except OSError as error:
        raise storage_error(run.worker_log, error) from error


def trainer_environment(command: str) -> dict[str, str]:
    """The environment variables for a trainer that is launched now; command: the user's command line."""
    return {COMMAND_VARIABLE: command, LAUNCHED_VARIABLE: repr(time.time())}


def launched_at() -> float:
    """When this process was launched as a trainer, in seconds since 1970: earlier requests are not for it."""
    return float(os.environ.get(LAUNCHED_VARIABLE) or time.time())
