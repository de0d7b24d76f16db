"""Programs that train, each run as a process of its own, as a user would: scripts, and the command `workbench`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Prepared, State
from workbench.runs.status import read_summary
from workbench.runs.tail import EventTail

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Trained:
    """What one process has done. Seconds by the wall clock."""

    first_epoch: float
    """With whatever is compiled or warmed up in it."""
    epochs: list[float]
    """The others."""
    accuracy: float
    """On the test files, 0 to 1."""
    whole: float
    """From the start of the process to its end."""
    engine: str = ""


class FailedError(Exception):
    """A program ended badly; the message is the end of what it printed."""


def run_script(name: str, *arguments: object, environment: dict[str, str] | None = None) -> Trained:
    """Runs peers/NAME.py, which prints a line of JSON an epoch and one with the accuracy. Raises FailedError."""
    printed, whole = _run([sys.executable, str(PEERS / f"{name}.py"), *map(str, arguments)], environment)
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    first, *others = (line["seconds"] for line in lines if "seconds" in line)
    return Trained(first, others, lines[-1]["accuracy"], whole)


def run_workbench(runs_folder: Path, preset: str, assignments: list[str]) -> Trained:
    """Runs `workbench --preset PRESET --quiet`; an epoch goes from one epoch's end to the next. Raises FailedError."""
    settings = [part for assignment in assignments for part in ("--set", assignment)]
    command = [sys.executable, "-m", "workbench", "--preset", preset, *settings, "--quiet"]
    printed, whole = _run([*command, "--runs-dir", str(runs_folder)], None)
    run = RunDirectory(Path(printed.strip()))
    events = [event for _, event in EventTail(run.events).read()]
    prepared = next(event for event in events if isinstance(event, Prepared))
    began = next(event.time for event in events if isinstance(event, State) and event.state == "training")
    ends = [event.time for event in events if isinstance(event, EpochEnd)]
    first, *others = (end - start for start, end in pairwise([began, *ends]))
    summary = read_summary(run)
    assert summary is not None
    assert summary.test is not None
    # What compiling takes is in the first epoch of the others.
    return Trained(first + prepared.engine_seconds, others, summary.test["accuracy"], whole, prepared.engine)


def _run(command: list[str], environment: dict[str, str] | None) -> tuple[str, float]:
    """What a command prints, and the seconds that it takes."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | (environment or {}), check=False)
    if done.returncode != 0:
        raise FailedError("; ".join(done.stderr.strip().splitlines()[-2:]))
    return done.stdout, time.perf_counter() - started
