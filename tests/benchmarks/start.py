"""From *start* to the first step: by a trainer that stands by, as the app has one."""

from __future__ import annotations

import time
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.processes.standby import Standby
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import Steps
from workbench.runs.status import read_summary
from workbench.runs.tail import EventTail
from workbench.settings.library import load


def seconds_to_first_step(scratch: Path, preset: str, settings: list[str]) -> float:
    """Seconds from the word to a standby trainer to the first losses in the run. Raises WorkbenchError if none come."""
    standby = Standby.launch()
    try:
        while not standby.is_ready:
            if not standby.is_alive:
                raise WorkbenchError("the standby trainer ended before it was ready")
            time.sleep(0.05)
        chosen = load(preset).override(settings)
        began = time.time()
        run = create_run(scratch, chosen.name, chosen.to_toml())
        trainer = standby.start(run, "benchmark")
    finally:
        standby.close()
    try:
        return first_step(run) - began
    finally:
        trainer.kill()
        trainer.wait()


def first_step(run: RunDirectory, patience: float = 120.0) -> float:
    """When the first losses were written, in seconds since 1970. Raises WorkbenchError if the run ends before."""
    tail = EventTail(run.events)
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for _, event in tail.read():
            if isinstance(event, Steps):
                return event.time
        summary = read_summary(run)
        if summary is not None and summary.status == "failed":
            raise WorkbenchError(summary.reason)
        time.sleep(0.005)
    raise WorkbenchError(f"no step within {patience:.0f} s")
