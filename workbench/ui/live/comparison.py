"""A comparison of settings, as the app sees it: a process that measures a change, its progress and its answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from workbench.advice.finding import Finding, Measure
from workbench.errors import TrainerLostError, WorkbenchError
from workbench.runs.directory import RunDirectory
from workbench.runs.view import RunView
from workbench.settings.preset import FAMILIES, Preset
from workbench.ui.form.parsing import from_toml, toml, wording

MOST_SECONDS = 180.0
"""A comparison of what is learned that would train for longer is refused: a run may be paused meanwhile."""
START_SECONDS = 5.0
"""That the process of a comparison takes to import PyTorch and read the data, on two cores that do other things too."""
SPEED_SECONDS = 6.0
"""That comparing two paces takes, warming up included, once both are prepared."""
COMMAND = (sys.executable, "-P", "-m", "workbench.training.processes.comparison")
MOST_LINE_BYTES = 2**20


@dataclass(frozen=True)
class Progress:
    """What is being done for a comparison."""

    doing: str
    round: int = 0
    """From 1; 0 before the first."""
    rounds: int = 0
    seconds_left: float | None = None
    """As far as it is known, from how long the rounds took so far."""


Tell = Callable[[Progress], None]


class RefusedError(WorkbenchError):
    """A comparison could not answer the question; the text says why, and what to do instead."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one of the two."""

    engine: str
    """Which engine executed the steps."""
    steps: int
    samples_per_second: float
    peak_bytes: int | None
    """None where the device does not say."""
    lowest_loss: float | None = None
    """Of all rounds, on validation samples; None if it never was a finite number, or was not measured."""
    lowest_after: int | None = None
    """On so many samples it had been trained then."""
    loss: float | None = None
    """After the last round; None if it is no finite number then."""
    f1: float | None = None
    share: float | None = None
    """Of dead units, or of saturated values, in the worst layer; None where that could not be looked at."""


@dataclass(frozen=True)
class Comparison:
    """The present settings and the changed ones."""

    measure: Measure
    """By what it is decided whether the change helps."""
    present: Measured
    changed: Measured
    ratio: float
    """Of their samples a second, changed over present, and between which it lay in the middle half of the rounds."""
    ratio_low: float
    ratio_high: float
    rounds: int
    samples: int
    """On so many each has trained."""
    epochs: float
    validation_samples: int
    """On so many the losses were measured; 0: they are those of training samples."""
    same_loss: bool
    """Whether the two losses mean the same."""
    difference_low: float | None = None
    """Between which the difference of the lowest losses, changed less present, lies with 95 %."""
    difference_high: float | None = None

    @classmethod
    def from_answer(cls, values: dict[str, Any]) -> Comparison:
        """From the process's answer. Raises KeyError or TypeError if it is none."""
        return cls(**values | {side: Measured(**values[side]) for side in ("present", "changed")})


class ComparisonProcess:
    """The process. It begins to measure when it is told to; it ends with whoever launched it."""

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
        """Launches one, which prepares both trainings; on leaving, it is killed if it is still there.

        measure: by what it is decided whether the change helps; steps: as in Finding.
        paused_run: goes on by the process's own hand should this process die. Raises OSError.
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
            request = {
                "preset": preset.to_toml(), "change": list(change), "measure": measure, "steps": steps,
                "most_seconds": MOST_SECONDS,
            }  # fmt: skip
            comparison._write(request | {"run": str(paused_run.path)} if paused_run is not None else request)
            yield comparison
        finally:
            await comparison._end()

    async def measure(self, tell: Tell = lambda progress: None) -> Comparison:
        """Lets it measure, tells what it is doing, and waits for the answer.

        Raises RefusedError where the comparison could not answer, WorkbenchError where it failed, with what the user
        should know.
        """
        self._write("go")
        last: dict[str, Any] = {}
        try:
            assert self._process.stdout is not None
            async for line in self._process.stdout:
                last = _object(line) or last
                if "progress" in last:
                    tell(Progress(**last["progress"]))
            if "error" not in last:
                return Comparison.from_answer(last)
        except (ValueError, KeyError, TypeError):
            raise TrainerLostError(
                "the measuring process ended without an answer, as when it is killed or memory runs out"
            ) from None
        if last.get("refused"):
            raise RefusedError(str(last["error"]))
        raise WorkbenchError(_failure(last))

    def _write(self, what: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    async def _end(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


def _object(line: bytes) -> dict[str, Any] | None:
    """A line as JSON; None for what a library may have printed."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _failure(answer: dict[str, Any]) -> str:
    prefix = {
        "present": "already with the present settings, on a model of its own: ",
        "changed": "with the change: ",
    }.get(str(answer.get("which")), "")
    return f"{prefix}{answer['error']}"


def change_in_words(change: Sequence[str]) -> str:
    """Settings as people call them: "batch size 512, optimizer adamw"."""
    return ", ".join(_setting_in_words(assignment) for assignment in change)


def _setting_in_words(assignment: str) -> str:
    path, _, value = assignment.partition("=")
    table, _, key = path.strip().rpartition(".")
    named = table if table in FAMILIES and key == FAMILIES[table].tag else key
    return f"{wording(named)} {wording(from_toml(value.strip()))}"


def present_in_words(present: Preset, change: Sequence[str]) -> str:
    """The values that the settings of a change have now."""
    flat = present.flat()
    paths = [assignment.partition("=")[0].strip() for assignment in change]
    return change_in_words([f"{path}={toml(flat[path])}" for path in paths if path in flat])


def expected_seconds(finding: Finding, view: RunView) -> float | None:
    """How long a comparison will take, from how the run itself went; None where that is not known.

    Both trainings are prepared as the run was; then they train some seconds, or as many steps as the finding says.
    """
    if view.prepared is None or finding.measure is None:
        return None
    preparing = START_SECONDS + 2 * view.prepared.seconds
    if finding.measure in ("speed", "memory"):
        return preparing + SPEED_SECONDS
    if finding.steps is None or view.timing is None or view.timing.steps_per_second <= 0:
        return None
    return preparing + min(2 * finding.steps / view.timing.steps_per_second, MOST_SECONDS)
