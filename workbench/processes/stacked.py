"""The process that trains candidates together, as the launching process sees it: what it is asked and what it answers.

Its standard input is a `Request`, and later a `Keep` for each epoch that it waits after. It writes lines of JSON, each
with its `type`: what it is doing, the `Way` that it takes, the `Values` after each epoch, an `Ended` for each
candidate, and at last an `Ending` or a failure. It ends at once when its standard input does: whoever launched it has
ended.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final

from workbench.errors import TrainerLostError
from workbench.processes.measuring import ANSWER, FAILURE, Progress, read_typed
from workbench.processes.messages import Failure, encode
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import not_started
from workbench.settings.preset import Preset

WAY: Final = "way"
VALUES: Final = "values"
ENDED: Final = "ended"


@dataclass(frozen=True)
class Request:
    """Candidates to train."""

    presets: list[str]
    """As TOML; they differ only in numbers, see `workbench.processes.together`."""
    decide_after: list[int] = field(default_factory=list)
    """Epochs after which the process waits for a `Keep`."""
    if_faster: bool = True
    """Whether to train them only if that is faster than one by one; otherwise whenever it can be done."""


@dataclass(frozen=True)
class Keep:
    """The candidates that are trained further."""

    candidates: list[int]


@dataclass(frozen=True)
class Way:
    """Whether the candidates are trained together."""

    together: bool
    """If not, nothing more comes: they are to be trained one by one."""
    reason: str
    """In half a sentence."""
    ratio: float | None = None
    """How many times as fast together as one by one; None where it was not timed."""


@dataclass(frozen=True)
class Values:
    """The monitored metric of each candidate after an epoch."""

    epoch: int
    """From 1."""
    metric: str
    values: list[float | None]
    """By the candidates' numbers; None for those that have ended, and where it is not defined or was not measured."""
    waits: bool
    """Whether the process waits for a `Keep` now."""


@dataclass(frozen=True)
class Ended:
    """A candidate that has ended."""

    candidate: int
    """Its number in the request."""
    status: str
    """completed, discarded or failed."""
    reason: str
    value: float | None
    """The monitored metric after its best epoch; None where there was none."""
    best_epoch: int | None
    epochs: int
    """That it was trained for."""
    validation: dict[str, Any] | None
    """All metrics, with the weights that are kept; None where it did not come to its end."""
    test: dict[str, Any] | None


@dataclass(frozen=True)
class Ending:
    """All candidates have ended."""

    seconds: float
    """Of training and evaluation."""


Message = Progress | Way | Values | Ended | Ending
KINDS: Mapping[str, type] = {WAY: Way, VALUES: Values, ENDED: Ended, ANSWER: Ending}


class StackedProcess:
    """A process that trains candidates together. Nothing here waits but `read`, for as long as it is told."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert process.stdout is not None
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    @classmethod
    def launch(
        cls,
        presets: Sequence[Preset],
        decide_after: Sequence[int] = (),
        *,
        if_faster: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> StackedProcess:
        """Launches one. environment: variables to add, such as the GPU that it sees. Raises TrainerLostError."""
        try:
            process = subprocess.Popen(
                command_line(Module.STACKED),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | dict(environment or {}),
                start_new_session=True,
            )
        except OSError as error:
            raise not_started(error) from error
        stacked = cls(process)
        stacked._write(Request([preset.to_toml() for preset in presets], list(decide_after), if_faster))
        return stacked

    def read(self, timeout: float = 0.0) -> Message | None:
        """The next message; None if none has come in that many seconds.

        Raises WorkbenchError where the process has failed, and TrainerLostError where it has died.
        """
        try:
            line = self._lines.get(timeout=timeout) if timeout else self._lines.get_nowait()
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)  # so that the next call says it as well
            raise TrainerLostError(
                "the process that trains candidates together has ended, as when it is killed or memory runs out"
            )
        read = read_typed(line, KINDS)
        if read is None:
            return None
        kind, message = read
        if kind == FAILURE:
            assert isinstance(message, Failure)
            raise message.as_error()
        found: Message = message
        return found

    def keep(self, candidates: Sequence[int]) -> None:
        """Answers `Values` that wait: these are trained further."""
        self._write(Keep(list(candidates)))

    def close(self) -> None:
        """Ends the process, whatever it does."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _write(self, message: Request | Keep) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died: the end of its output says so
            self._process.stdin.write(f"{encode(message)}\n".encode())
            self._process.stdin.flush()

    def _listen(self, output: IO[bytes]) -> None:
        with suppress(ValueError):  # closed meanwhile
            for line in output:
                self._lines.put(line)
        self._lines.put(None)
