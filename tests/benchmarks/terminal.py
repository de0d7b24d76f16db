"""A terminal that measures: it runs a command in a pty, counts what the command sends, and notes when."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass
class Terminal:
    """A command in a pty of `columns` × `rows`, read by a thread as fast as it writes."""

    command: list[str]
    folder: Path
    columns: int = 160
    rows: int = 40
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        self.received = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        self._new = threading.Condition()
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | self.environment
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                select.select([self._master], [], [])
                block = os.read(self._master, 65536)
            except OSError:
                return
            if not block:
                return
            with self._new:
                self.received += block
                self._arrivals.append((time.perf_counter(), len(block)))
                self._new.notify_all()

    def send(self, keys: str) -> None:
        """Presses keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window larger or smaller, as a user does."""
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)  # it has no controlling terminal that would send it

    def wait_for(self, text: str, since: int = 0, seconds: float = 120.0) -> float:
        """When (perf_counter) `text` had arrived after byte number `since`. Raises TimeoutError."""
        deadline = time.perf_counter() + seconds
        wanted = text.encode()
        with self._new:
            while wanted not in self.received[since:]:
                if not self._new.wait(max(deadline - time.perf_counter(), 0)):
                    raise TimeoutError(f"{text!r} never arrived")
            return self._arrivals[-1][0]

    def bytes_between(self, start: float, end: float) -> int:
        """Bytes that arrived between two moments of perf_counter."""
        return sum(size for moment, size in self._arrivals if start <= moment < end)

    def hang_up(self) -> None:
        """The connection is lost: the terminal is gone, and whoever runs in it gets SIGHUP."""
        os.close(self._master)
        os.killpg(self.process.pid, signal.SIGHUP)

    def vanish(self) -> None:
        """The terminal is gone, and no process gets a signal: it was not the controlling one."""
        os.close(self._master)

    def close(self) -> None:
        """Ends the command as a lost connection does, then kills it and its children, so that nothing stays."""
        children = []
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended by itself
            children = psutil.Process(self.process.pid).children(recursive=True)
        os.close(self._master)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
