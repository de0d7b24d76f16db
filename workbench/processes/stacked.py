"""The process that trains candidates together, as the launching process sees it: what it is asked and what it answers.

It imports PyTorch, and then answers one `Request` after another. On its standard input it is steered too: a `Steer`
answers each epoch that it waits after, or drops candidates. It writes lines of JSON, each with its `type`: what it is
doing, the `Way` that it takes, the `Values` after each epoch, an `Ended` for each candidate, and at last an `Ending` or
a failure. It ends at once when its standard input does: whoever launched it has ended.
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
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from workbench.errors import TrainerLostError
from workbench.processes.measuring import ANSWER, FAILURE, Progress, read_typed, typed_line
from workbench.processes.messages import Failure
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import not_started
from workbench.settings.preset import Preset

TRAIN: Final = "train"
STEER: Final = "steer"
WAY: Final = "way"
VALUES: Final = "values"
ENDED: Final = "ended"


@dataclass(frozen=True)
class Request:
    """Candidates to train."""

    presets: list[str]
    """As TOML; they differ only in numbers, see `workbench.processes.together`."""
    decide_after: list[int] = field(default_factory=list)
    """Epochs after which the process waits until it is said which candidates are kept."""
    if_faster: bool = True
    """Whether to train them only if that is faster than one by one; otherwise whenever it can be done."""
    scores: list[str] = field(default_factory=list)
    """Paths of the files into which each candidate's answers for its validation split are written; empty for none."""
    judged: str = ""
    """Path of the file into which is written how good all folds are together, once all are trained; empty for none."""
    environment: str = ""
    """Path of the file into which is written what they are trained on; empty for none."""


@dataclass(frozen=True)
class Steer:
    """What is asked while candidates are trained; it is done after the epoch under way."""

    keep: list[int] | None = None
    """The answer to `Values` that wait: the candidates that are trained further. None: this is no such answer."""
    drop: list[int] = field(default_factory=list)
    """Candidates that are trained no further."""
    paused: bool | None = None
    """Whether nothing is trained until the contrary is said; None: as it is."""


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
    """Whether the process waits until it is said which candidates are kept."""


@dataclass(frozen=True)
class Ended:
    """A candidate that has ended."""

    candidate: int
    """Its number in the request."""
    status: str
    """completed, discarded or failed."""
    reason: str
    value: float | None
    """The monitored metric with the weights that are kept; None where there was none."""
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
ASKED: Mapping[str, type] = {TRAIN: Request, STEER: Steer}
"""What the process reads."""
KINDS: Mapping[str, type] = {WAY: Way, VALUES: Values, ENDED: Ended, ANSWER: Ending}


class StackedProcess:
    """A process that trains candidates together, one request after another.

    Nothing here waits but `read`, for as long as it is told.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert process.stdout is not None
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    @classmethod
    def launch(cls, environment: Mapping[str, str] = MappingProxyType({})) -> StackedProcess:
        """Launches one. environment: variables to add, such as the GPU that it sees. Raises TrainerLostError."""
        try:
            process = subprocess.Popen(
                command_line(Module.STACKED),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | environment,
                start_new_session=True,
            )
        except OSError as error:
            raise not_started(error) from error
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def train(
        self,
        presets: Sequence[Preset],
        decide_after: Sequence[int] = (),
        *,
        if_faster: bool = True,
        scores: Sequence[Path] = (),
        judged: Path | None = None,
        environment: Path | None = None,
    ) -> None:
        """Asks for candidates to be trained; see `Request`."""
        texts, paths = [preset.to_toml() for preset in presets], [str(path) for path in scores]
        files = ["" if path is None else str(path) for path in (judged, environment)]
        self._write(TRAIN, Request(texts, list(decide_after), if_faster, paths, *files))

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

    def steer(self, steer: Steer) -> None:
        """Asks for something while candidates are trained."""
        self._write(STEER, steer)

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

    def _write(self, kind: str, message: Request | Steer) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died: the end of its output says so
            self._process.stdin.write(f"{typed_line(kind, message)}\n".encode())
            self._process.stdin.flush()

    def _listen(self, output: IO[bytes]) -> None:
        with suppress(ValueError):  # closed meanwhile
            for line in output:
                self._lines.put(line)
        self._lines.put(None)
