"""Launches processes that find a setting, asks them, and reads their messages. Without PyTorch.

The process imports PyTorch, and then answers one request after another: each is a line of JSON on its standard input.
Its messages are lines of JSON, distinguished by their `type`: what it is doing, parts of the answer as they come, and
at last the answer or a failure. It ends when its standard input does, at once: whoever launched it has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from workbench.errors import TrainerLostError
from workbench.processes.messages import Failure, decode, encode, parse_object
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import not_started

MOST_LINE_BYTES = 2**22
PROGRESS: Final = "progress"
FAILURE: Final = "failure"
ANSWER: Final = "answer"


@dataclass(frozen=True)
class Progress:
    """What the process is doing."""

    doing: str
    done: int = 0
    total: int | None = None
    """None where it is not known."""


def typed_line(kind: str, message: Any) -> str:
    """A message as a line of JSON that begins with its type."""
    return json.dumps({"type": kind} | asdict(message))


def read_typed(line: bytes, kinds: Mapping[str, type]) -> tuple[str, Any] | None:
    """The type of a message and the message; None for anything that a library may have printed.

    kinds: the dataclass of each type, besides progress and failure.
    """
    values = parse_object(line)
    if values is None:
        return None
    kind = values.get("type")
    known: dict[str, type] = {PROGRESS: Progress, FAILURE: Failure, **kinds}
    if not isinstance(kind, str) or kind not in known:
        return None
    try:
        return kind, decode(known[kind], values)
    except ValueError:
        return None


class MeasuringProcess:
    """A process that answers requests, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def launched(
        cls, module: Module, *arguments: str, pass_fds: tuple[int, ...] = ()
    ) -> AsyncIterator[MeasuringProcess]:
        """Launches one, which imports PyTorch at once; on leaving, kills it. Raises TrainerLostError if none starts.

        pass_fds: open files that it gets too, by the same numbers.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command_line(module, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=MOST_LINE_BYTES,
                pass_fds=pass_fds,
                start_new_session=True,  # so that it can be ended together with its loader's workers
            )
        except OSError as error:
            raise not_started(error) from error
        try:
            yield cls(process)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ask(self, request: Any, kinds: Mapping[str, type]) -> AsyncIterator[Any]:
        """Sends a request (a dataclass) and yields the messages up to the answer, which is the last one.

        kinds: the dataclass of each type of message, as for `read_typed`. Raises WorkbenchError, in words for the user,
        where the process fails or dies.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(ConnectionError):  # it has died: the end of its output says so
            self._process.stdin.write(f"{encode(request)}\n".encode())
            await self._process.stdin.drain()
        with suppress(ValueError):  # a line beyond all measure
            async for line in self._process.stdout:
                read = read_typed(line, kinds)
                if read is None:
                    continue
                kind, message = read
                if kind == FAILURE:
                    raise message.as_error()
                yield message
                if kind == ANSWER:
                    return
        raise TrainerLostError("the measuring process ended without an answer, as when it is killed or memory runs out")
