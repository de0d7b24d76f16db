"""Requests to a running trainer in control.jsonl: anyone appends, the trainer reads."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from workbench.errors import StorageError, UsageError
from workbench.files import open_to_append, storage_error
from workbench.runs.directory import RunDirectory
from workbench.runs.tail import LineTail

Command = Literal[
    "stop",
    "pause",
    "resume",
    "set_learning_rate",
    "checkpoint",
    "profile",
    "memory_snapshot",
    "stop_after_epoch",
    "set_thresholds",
]
MOST_PROFILE_STEPS = 1000
"""The trace of a step needs 10 to 100 kB on disk, and ten times as much in memory until it is written."""
Thresholds = tuple[tuple[int, float | None], ...]
"""Epochs in order, each with the value to beat there; None: whatever the value."""
COMMANDS: tuple[str, ...] = get_args(Command)


@dataclass(frozen=True)
class Request:
    """A request to the trainer.

    value: the rate for set_learning_rate, the number of steps for profile, the number of the epoch for
    stop_after_epoch.
    """

    command: str
    value: float | None = None
    time: float = 0.0
    """When the request was made, in seconds since 1970; 0 if unknown."""
    thresholds: Thresholds = ()
    """Of set_thresholds: epochs after which a trial of a study pauses, unless its best value so far is better."""

    @property
    def detail(self) -> str:
        """What was asked beside the command, in words; empty where it is all."""
        if self.thresholds:
            shown = (
                f"{epoch} " + ("in any case" if threshold is None else f"unless {threshold:.4g} is beaten")
                for epoch, threshold in self.thresholds
            )
            return f"pauses after epoch {', '.join(shown)}"
        return "" if self.value is None else f"{self.value:g}"


def ask(run: RunDirectory, command: Command, value: float | None = None, *, thresholds: Thresholds = ()) -> None:
    """Appends a request. The trainer answers with a RequestHandled event. Raises StorageError."""
    if command not in COMMANDS:
        raise UsageError(f"no such command: {command}")
    append_request(run.control, command, value, thresholds)


def append_request(control: Path, command: str, value: float | None = None, thresholds: Thresholds = ()) -> None:
    """Appends a request to a file of requests. Raises StorageError."""
    given = ({} if value is None else {"value": value}) | ({"thresholds": thresholds} if thresholds else {})
    line = json.dumps({"command": command, "time": time.time(), **given})
    try:
        descriptor = open_to_append(control)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:  # the file is made when the first request comes, its folder is not
        raise StorageError(f"{control.parent} has been deleted or moved: its trainer cannot be asked") from error
    except OSError as error:
        raise storage_error(control, error) from error


class ControlReader:
    """Reads the requests that were made since the last read.

    Requests from before the launch are ignored: a resumed run must not handle the request that stopped it.
    """

    def __init__(self, control: Path, launched_at: float) -> None:
        """launched_at: when the trainer was launched, in seconds since 1970."""
        self._lines = LineTail(control)
        self._pending = [request for request in self._new() if request.time >= launched_at]

    def read(self) -> list[Request]:
        """Reads new requests. An invalid line becomes a request with the line as its command, which is refused."""
        requests, self._pending = self._pending + self._new(), []
        return requests

    def _new(self) -> list[Request]:
        return [_parse(line) for line in self._lines.read()]


def _parse(line: bytes) -> Request:
    try:
        values = json.loads(line)
        command, value = values["command"], values.get("value")
        thresholds = tuple((int(epoch), _number(threshold)) for epoch, threshold in values.get("thresholds", ()))
        return Request(str(command)[:80], _number(value), _number(values.get("time")) or 0.0, thresholds)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Request(line.decode(errors="replace")[:80])


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    except OverflowError:
        return None
