"""A trial, as the app sees it: a process that measures a change of settings, and its answer in words."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from workbench.errors import TrainerLostError, WorkbenchError
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import FAMILIES, Preset
from workbench.ui.form.parsing import from_toml, wording

SECONDS = 2.0
"""Measured of each of the two."""
LEAST_DIFFERENCE = 0.03
"""Of two paces. Between equal settings 1.2 % was measured, with a spread that left out 1."""
COMMAND = (sys.executable, "-P", "-m", "workbench.training.trial")


@dataclass(frozen=True)
class Measured:
    """What was measured of one of the two."""

    engine: str
    """Which engine executed the steps."""
    steps: int
    step_ms: float
    """Median."""
    samples_per_second: float
    loss: float | None
    """After as many samples as the other one; None if it is not a finite number."""
    peak_bytes: int | None
    """None where the device does not say."""


@dataclass(frozen=True)
class Comparison:
    """The present settings and the changed ones."""

    present: Measured
    changed: Measured
    ratio: float
    """Of their samples a second, changed over present: the median of the turns, and their quartiles."""
    ratio_low: float
    ratio_high: float
    turns: int
    loss_samples: int
    """After so many samples the losses are compared."""
    same_loss: bool
    """Whether the two losses mean the same."""

    @classmethod
    def from_answer(cls, values: dict[str, Any]) -> Comparison:
        """From the process's answer. Raises KeyError or TypeError if it is none."""
        return cls(**values | {side: Measured(**values[side]) for side in ("present", "changed")})


class TrialProcess:
    """The process. It begins to measure when it is told to; it ends with whoever launched it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def launched(
        cls, preset: Preset, change: Sequence[str], paused_run: RunDirectory | None
    ) -> AsyncIterator[TrialProcess]:
        """Launches one, which prepares both trainings; on leaving, it is killed if it is still there.

        paused_run: goes on by the process's own hand should this process die. Raises OSError.
        """
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # so that it can be ended together with its loader's workers
        )
        trial = cls(process)
        try:
            request = {"preset": preset.to_toml(), "change": list(change), "seconds": SECONDS}
            trial._write(request | {"run": str(paused_run.path)} if paused_run is not None else request)
            yield trial
        finally:
            await trial._end()

    async def measure(self) -> Comparison:
        """Lets it measure, and waits for the answer. Raises WorkbenchError with what the user should know."""
        self._write("go")
        assert self._process.stdout is not None
        told = await self._process.stdout.read()
        try:
            answer = json.loads(told.splitlines()[-1])
            if "error" not in answer:
                return Comparison.from_answer(answer)
        except (ValueError, IndexError, KeyError, TypeError):
            raise TrainerLostError(
                "the measuring process ended without an answer, as when it is killed or memory runs out"
            ) from None
        raise WorkbenchError(_failure(answer))

    def _write(self, what: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    async def _end(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


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


def pace(comparison: Comparison, times: str) -> str:
    """The ratio of the two paces: "5.1 × the samples a second"; times: the glyph."""
    is_small = abs(comparison.ratio - 1) < LEAST_DIFFERENCE
    if is_small or comparison.ratio_low <= 1 <= comparison.ratio_high:
        return "no clear difference in samples a second"
    return f"{ratio(comparison.ratio)} {times} the samples a second"


def gain(comparison: Comparison, change: Sequence[str], times: str) -> str:
    """What the change brings, in a sentence."""
    said = f"{change_in_words(change)}: {pace(comparison, times)}"
    if not comparison.same_loss:
        return f"{said}; its loss is of another kind and cannot be compared"
    before, after = comparison.present.loss, comparison.changed.loss
    if after is None:
        return f"{said}; but its loss is no longer a finite number: training diverges"
    against = "one that is not finite" if before is None else f"{before:.3g}"
    return f"{said}; after {comparison.loss_samples:,} samples its loss is {after:.3g} against {against}"


def ratio(value: float) -> str:
    """A ratio as people read it: 0.83, 1.07, 5.1, 24."""
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 10 else f"{value:.0f}"
