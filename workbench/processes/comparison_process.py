"""Starts and stops the process that compares settings, and reads its answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from workbench.errors import TrainerLostError
from workbench.processes.comparison import Comparison, ComparisonFailure, Measure, Progress, Request, read_message
from workbench.processes.messages import encode
from workbench.processes.modules import Module, command_line
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset

COMMAND = command_line(Module.COMPARISON)
MOST_LINE_BYTES = 2**20

Report = Callable[[Progress], None]
"""Called whenever the process begins another step of its work."""


class ComparisonProcess:
    """The process. It begins to measure when `measure` is called, and ends with the process that launched it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def launched(
        cls,
        preset: Preset,
        change: Sequence[str],
        paused_run: RunDirectory | None,
        measure: Measure = "speed",
        steps: int | None = None,
    ) -> AsyncIterator[ComparisonProcess]:
        """Launches one, which prepares both settings; on leaving, kills it if it is still there.

        measure, steps: as in Request. paused_run: the launched process lets it continue if this one dies. Raises
        OSError.
        """
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=MOST_LINE_BYTES,
            start_new_session=True,  # so that it can be ended together with its loader's workers
        )
        comparison = cls(process)
        try:
            run = None if paused_run is None else str(paused_run.path)
            comparison._write(encode(Request(preset.to_toml(), list(change), measure, steps, run=run)))
            yield comparison
        finally:
            await comparison._end()

    async def measure(self, report: Report = lambda progress: None) -> Comparison:
        """Measures, reports each step of the work, and waits for the answer.

        Raises RefusedError where the comparison could not answer, and WorkbenchError, in words for the user, where it
        failed.
        """
        self._write('"go"')
        answer: Comparison | ComparisonFailure | None = None
        assert self._process.stdout is not None
        with suppress(ValueError):  # a line beyond all measure
            async for line in self._process.stdout:
                message = read_message(line)
                if isinstance(message, Progress):
                    report(message)
                elif message is not None:
                    answer = message
        if isinstance(answer, ComparisonFailure):
            raise answer.as_error()
        if answer is None:
            raise TrainerLostError(
                "the measuring process ended without an answer, as when it is killed or memory runs out"
            )
        return answer

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def _end(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
