"""Runs a command within a time limit, its output into a log as it comes."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    exit_code: int | None
    """None where it was killed because its time was up."""
    output: str

    @property
    def in_words(self) -> str:
        """For a table."""
        return "killed: its time was up" if self.exit_code is None else f"exit {self.exit_code}"


def run(command: list[str], log: Path, seconds: float, **environment: str) -> Ended:
    """Runs a command and appends its output to `log`; when `seconds` are over, kills it and all it has started."""
    with log.open("ab") as file:
        file.write(f"\n$ {' '.join(command)}   (at most {seconds:.0f} s)\n".encode())
        file.flush()
        start = file.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | environment,
        )
        exit_code: int | None
        try:
            exit_code = process.wait(max(seconds, 1.0))
        except subprocess.TimeoutExpired:
            exit_code = None
            for process_id in [*descendants(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGKILL)
            process.wait()
    return Ended(exit_code, log.read_bytes()[start:].decode(errors="replace"))


def descendants(process_id: int) -> list[int]:
    """The processes that a process has started, and those that they have: trainers live in sessions of their own."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            parent = int(stat.read_text().rpartition(") ")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found: list[int] = []
    unvisited = [process_id]
    while unvisited:
        own = children.get(unvisited.pop(), [])
        found += own
        unvisited += own
    return found
