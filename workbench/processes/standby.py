"""A trainer that stands by: a process that has imported PyTorch before there is a run for it.

It holds no memory of a GPU. It waits on a pipe: a run comes down it and the process becomes that run's trainer; or the
pipe closes, because whoever launched it has ended (even by kill -9), and it ends too.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import IO

from workbench.processes.modules import Module, command_line
from workbench.processes.worker import open_worker_log, start_trainer, trainer_environment
from workbench.runs.directory import RunDirectory

READY = b"ready\n"


class Standby:
    """The process, as seen by whoever launched it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ready = False
        self._has_run = False
        os.set_blocking(self._pipe(process.stdout).fileno(), False)

    @classmethod
    def launch(cls) -> Standby:
        """Launches one; it is ready some seconds later. Raises OSError where no process can be started."""
        return cls(
            subprocess.Popen(
                command_line(Module.STANDBY),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    @property
    def process_id(self) -> int:
        """Of the standby; of the trainer, once it has a run."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it has imported everything: a run then starts at once."""
        if not self._ready and self.is_alive:
            self._ready = self._pipe(self._process.stdout).read(len(READY)) == READY
        return self._ready and self.is_alive

    def start(self, run: RunDirectory, command: str) -> subprocess.Popen[bytes]:
        """Makes it the trainer of a run, at once or as soon as it is ready; a cold one steps in if it has died.

        command: the user's command line, for the record. Raises StorageError where the run cannot be written; the
        standby then goes on waiting.
        """
        # The process opens it for itself; here it tells whether it can be, as it does where a trainer starts cold.
        open_worker_log(run).close()
        order = {
            "run": str(run.path),
            "environment": trainer_environment(command),
            "folder": str(Path.cwd()),
        }
        try:
            pipe = self._pipe(self._process.stdin)
            pipe.write(json.dumps(order).encode() + b"\n")
            pipe.close()
        except OSError:
            self.close()
            return start_trainer(run, command)
        self._pipe(self._process.stdout).close()
        self._has_run = True
        return self._process

    def close(self) -> None:
        """Ends it. One that has a run is a trainer, and goes on."""
        if self._has_run:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._process.terminate()
        self._process.wait()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe
