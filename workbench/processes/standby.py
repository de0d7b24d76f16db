"""A standby: a process that imports PyTorch before there is a run, and then trains run after run.

It reads a pipe. Each run arrives as an `Order`, and the process becomes that run's trainer; when the run has ended, it
writes a `RunEnded` and waits for the next. When the pipe closes, because the launching process closes it or dies (even
by kill -9), it finishes the run that it is training, and ends.

Before its first run it holds no memory of a GPU; after a run on one it keeps PyTorch's context there, some hundred MiB.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from workbench.processes.messages import decode, encode, parse_object
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import open_worker_log, start_trainer, trainer_environment
from workbench.runs.directory import RunDirectory

READY = b"ready"
"""The line that it writes once a run would start at once."""
WAIT_SECONDS = 0.02


@dataclass(frozen=True)
class Order:
    """A run to train."""

    run: str
    """Path of its directory."""
    folder: str
    """Working folder to train in."""
    environment: dict[str, str]
    """Variables to add to those of the process."""


@dataclass(frozen=True)
class RunEnded:
    """The run that was ordered has ended, and its lock is free."""

    run: str
    exit_code: int
    is_ready: bool = True
    """Whether the next one would start at once; otherwise the process starts itself anew, and says when it is ready."""


class Standby:
    """The process, as the launching process sees it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ready = False
        self._is_last = False
        """Whether it has its last run."""
        self._exit_codes: dict[str, int] = {}
        """Of the runs that have ended, by path."""
        self._rest = b""
        os.set_blocking(self._pipe(process.stdout).fileno(), False)

    @classmethod
    def launch(cls, environment: Mapping[str, str] = MappingProxyType({})) -> Standby:
        """Launches one; it is ready some seconds later. Raises OSError where no process can be started.

        environment: variables to add to those of this process.
        """
        return cls(
            subprocess.Popen(
                command_line(Module.STANDBY),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
                env=os.environ | environment,
            )
        )

    @property
    def process_id(self) -> int:
        """Of the standby; of the trainer, while it has a run."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it has imported everything and has no run: one then starts at once."""
        self._read()
        return self._ready and self.is_alive

    def start(self, run: RunDirectory, command: str) -> subprocess.Popen[bytes]:
        """Makes it the trainer of its last run, at once or as soon as it is ready. If it has died, starts a cold one.

        command: the user's command line, for the record. Raises StorageError where the run cannot be written; the
        standby then continues to wait.
        """
        if not self._give(run, command):
            return start_trainer(run, command)
        for pipe in (self._process.stdin, self._process.stdout):
            self._pipe(pipe).close()
        self._is_last = True
        return self._process

    def train(self, run: RunDirectory, command: str) -> StandbyRun | subprocess.Popen[bytes]:
        """The same, but more runs may follow, each when the one before has ended."""
        return StandbyRun(self, run) if self._give(run, command) else start_trainer(run, command)

    def close(self) -> None:
        """Ends it. One that has its last run is a trainer, and continues."""
        if self._is_last:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._process.terminate()
        self._process.wait()

    def exit_code_of(self, run: RunDirectory) -> int | None:
        """Of a run that was given to it; None while it is being trained."""
        ended = self._process.poll()  # asked first: then all that it wrote before it ended is in the pipe
        self._read()
        return self._exit_codes.get(str(run.path), ended)

    def _give(self, run: RunDirectory, command: str) -> bool:
        """Sends a run down the pipe; False if the process has died. Raises StorageError."""
        # The process opens it again; opening it here raises the same error as where a trainer starts cold.
        open_worker_log(run).close()
        order = Order(str(run.path), str(Path.cwd()), trainer_environment(command))
        self._read()
        self._exit_codes.pop(order.run, None)
        try:
            self._pipe(self._process.stdin).write(f"{encode(order)}\n".encode())
        except OSError:
            self.close()
            return False
        self._ready = False
        return True

    def _read(self) -> None:
        """Reads what it has written."""
        pipe = self._pipe(self._process.stdout)
        while not pipe.closed and (block := pipe.read()):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                if line == READY:
                    self._ready = True
                elif (values := parse_object(line)) is not None:
                    ended = decode(RunEnded, values)
                    self._exit_codes[ended.run] = ended.exit_code
                    self._ready = ended.is_ready

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


class StandbyRun:
    """One of several runs that a standby trains, as `runs.follow` follows it."""

    def __init__(self, standby: Standby, run: RunDirectory) -> None:
        self._standby = standby
        self._run = run

    @property
    def pid(self) -> int:
        """Process id of the trainer."""
        return self._standby.process_id

    def poll(self) -> int | None:
        """The exit code of the run; that of the process, if it has died; None while it is being trained."""
        return self._standby.exit_code_of(self._run)

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit code. Raises subprocess.TimeoutExpired after that many seconds."""
        started = time.monotonic()
        while (exit_code := self.poll()) is None:
            if timeout is not None and time.monotonic() - started > timeout:
                raise subprocess.TimeoutExpired(str(self._run.path), timeout)
            time.sleep(WAIT_SECONDS)
        return exit_code
