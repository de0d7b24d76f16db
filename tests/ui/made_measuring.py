"""Made answers of a range test and of a batch scan, and a process that gives them at once, in part, or never."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ui.made import preset
from workbench.processes import measuring
from workbench.processes.batch_scan import MEASURED, BatchScan, Measured
from workbench.processes.measuring import ANSWER, FAILURE, PROGRESS, Progress, typed_line
from workbench.processes.messages import Failure
from workbench.processes.modules import Module
from workbench.processes.range_test import CURVE, Curve, RangeTest, Request, Suggested, spread

SWEEP = Request.of(preset())
DIVERGES_AT = 78
"""The step at which the first seed diverges, of 100."""


def loss_at(step: int, seed: int) -> float:
    """Flat, then falling, then rising; each seed trembles in its own way from the middle on."""
    fall = 1.7 / (1 + math.exp(-(step - 48) / 4))
    rise = 0.05 * math.exp((step - 66) / 4)
    return 2.3 - fall + rise + 0.12 * math.sin(step * (0.6 + 0.1 * seed)) / (1 + math.exp(-(step - 50) / 3))


CURVES = [Curve(seed, [loss_at(step, seed) for step in range(DIVERGES_AT + 2 * seed)], True) for seed in range(5)]
SUGGESTED = Suggested(steepest=0.00123, valley=0.0008, before_divergence=0.0641)


def range_answer(suggested: Suggested = SUGGESTED, notes: Sequence[str] = ()) -> RangeTest:
    median, lowest, highest = spread(CURVES)
    return RangeTest(SWEEP.rates()[: len(median)], median, lowest, highest, suggested, list(notes))


MEASURED_SIZES = [
    Measured(2**power, 200_000 / (1 + 300 / 2**power), (2**power + 300) / 200, 2**20 * (40 + 2**power // 16))
    for power in range(11)
]
OUT_OF_MEMORY = Measured(2048, problem="out of memory", out_of_memory=True)
SCAN = BatchScan(
    [*MEASURED_SIZES, OUT_OF_MEMORY], 1024, 1024, "a processor", "eager", ["batch size 2048: out of memory"]
)


def sweeping(done: int) -> str:
    return typed_line(PROGRESS, Progress(f"sweeping with seed {done + 1} of 5", 100 * done, 500))


def range_lines(answer: RangeTest | None = None, *, seeds: int = 5) -> list[str]:
    """What the process prints after some seeds; with all of them, the answer too."""
    lines = [sweeping(0)]
    for curve in CURVES[:seeds]:
        lines += [typed_line(CURVE, curve), sweeping(min(curve.seed + 1, 4))]
    return [*lines, typed_line(ANSWER, answer or range_answer())] if seeds == 5 else lines


def scan_lines(answer: BatchScan | None = SCAN) -> list[str]:
    """What the process prints; without an answer, it is still measuring."""
    measured = MEASURED_SIZES[:5] if answer is None else answer.measured
    progress = Progress("measuring batch size 32", 5, 11)
    lines = [*(typed_line(MEASURED, each) for each in measured), typed_line(PROGRESS, progress)]
    return lines if answer is None else [*lines, typed_line(ANSWER, answer)]


def failure(sentence: str) -> list[str]:
    return [typed_line(FAILURE, Failure(sentence, 2, "data"))]


def no_knee() -> BatchScan:
    only = Measured(1, problem="a batch of 1 leaves batch norm nothing to normalise over")
    return replace(SCAN, measured=[only], knee=None, largest=None, notes=[])


def fake_process(monkeypatch: pytest.MonkeyPatch, folder: Path, lines: Sequence[str], *, dies: bool = False) -> Path:
    """A process in its place: it notes its id, its module and what it is asked, prints lines, and waits.

    dies: ends instead. Returns the file with its notes.
    """
    asked = folder / "asked"
    program = (
        "import os, sys\n"
        f"asked = open({str(asked)!r}, 'w')\n"
        "asked.write(f'{os.getpid()}\\n{sys.argv[1]}\\n')\n"
        "asked.write(sys.stdin.readline())\n"
        "asked.flush()\n"
        "print('something that a library prints')\n"
        f"print({chr(10).join(lines)!r}, flush=True)\n" + ("" if dies else "sys.stdin.read()\n")
    )

    def command_line(module: Module, *_: str) -> tuple[str, ...]:
        return (sys.executable, "-c", program, module.name)

    monkeypatch.setattr(measuring, "command_line", command_line)
    return asked


def notes_of(asked: Path) -> tuple[int, str, dict[str, object]]:
    """The process's id, which module it stands for, and the request."""
    process_id, module, request = asked.read_text().splitlines()
    return int(process_id), module, json.loads(request)
