"""Trains a run in a process that dies with the one that waits for it: where a cluster lends a worker for a trial.

A trainer elsewhere outlives whoever started it. Here that would keep a GPU busy that the cluster believes to be free.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import UsageError
from workbench.files import is_file
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import EXIT_BUSY, not_started, open_worker_log
from workbench.runs.directory import RunDirectory

LOCK_SECONDS = 120.0
"""How long to wait for the lock of a trainer that is gone: a network disk holds it up to 90 s for a lost machine."""
WAIT_SECONDS = 0.5
"""Between two looks: an interrupt of this process is noticed then."""


def train_tethered(run_path: str, environment: Mapping[str, str], folder: str) -> int:
    """Trains a run, or continues it from its checkpoint; returns the trainer's exit code.

    environment: variables for the trainer. folder: the working folder, where it exists on this machine.
    Raises UsageError where this machine does not see the run's directory, StorageError, TrainerLostError.
    """
    run = RunDirectory(Path(run_path))
    if not is_file(run.preset):
        raise UsageError(
            f"{socket.gethostname()} does not see {run.path}: all machines of the cluster must see the studies folder "
            "under the same path. Name one on a shared disk with --studies-dir"
        )
    until = time.monotonic() + LOCK_SECONDS
    while (exit_code := _train(run, environment, folder)) == EXIT_BUSY and time.monotonic() < until:
        time.sleep(WAIT_SECONDS)
    return exit_code


def _train(run: RunDirectory, environment: Mapping[str, str], folder: str) -> int:
    with open_worker_log(run) as log:
        try:
            trainer = subprocess.Popen(
                command_line(Module.TETHERED, str(run.path)),
                stdin=subprocess.PIPE,  # nothing is sent: it is closed when this process ends, for whatever reason
                stdout=log,
                stderr=log,
                cwd=folder if Path(folder).is_dir() else None,
                start_new_session=True,
                env=os.environ | environment,
            )
        except OSError as error:
            raise not_started(error) from error
    try:
        while True:
            try:
                return trainer.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    finally:
        trainer.kill()
        trainer.wait()
