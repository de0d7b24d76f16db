"""The real command, as a user runs it, in folders of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.events import Event
from workbench.runs.lock import process_id
from workbench.runs.tail import EventTail

PATIENCE_SECONDS = 120
"""A trainer imports PyTorch in ten seconds on a slow machine; this only bounds a test that hangs."""

LONG = ["--set", "data.name=iris", "--set", "training.epochs=1000000", "--set", "training.checkpoint_seconds=0.3"]
"""A run that lasts until it is stopped, and is a moment's work to start."""


def wait_for(condition: Callable[[], Any]) -> Any:
    """Polls until the condition gives something true, and returns that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or has only not been waited for yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, IndexError):  # psutil reads an empty file while the process ends
        return not psutil.pid_exists(process.pid)


@dataclass
class Workbench:
    """The command in a working folder; what it leaves running is ended with the test."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """No user folders but the test's own."""
        own = {name: str(self.folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        cleared = {
            name: value
            for name, value in os.environ.items()
            if name not in ("WORKBENCH_RUNS", "WORKBENCH_DATA", "COLUMNS", "NO_COLOR", "FORCE_COLOR")
        }
        return cleared | own | {"PYTHONUNBUFFERED": "1"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "workbench", *arguments]

    def run(self, *arguments: str, timeout: float = PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
        """Runs to the end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts, and returns at once."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Under nohup the whole suite ignores SIGHUP, and so would what it starts.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self.started.append(process)
        return process

    @property
    def runs(self) -> list[RunDirectory]:
        return list_runs(self.folder / "runs")

    def the_run(self) -> RunDirectory:
        """The one run there is, as soon as it is there."""
        runs: list[RunDirectory] = wait_for(lambda: self.runs)
        [run] = runs
        return run

    def training_run(self, after_step: int = 0) -> RunDirectory:
        """The run, once its trainer has logged that many steps."""
        run = self.the_run()
        wait_for(lambda: steps_logged(run) > after_step)
        return run


def events(run: RunDirectory) -> list[Event]:
    """All events of a run so far."""
    return [event for _, event in EventTail(run.events).read()]


def events_of(run: RunDirectory, kind: str) -> list[dict[str, Any]]:
    """The events of one type so far, as plain dictionaries."""
    if not run.events.exists():
        return []
    text = run.events.read_text()
    lines = text[: text.rfind("\n") + 1].splitlines()  # a last line may be half written
    return [values for values in map(json.loads, lines) if values["type"] == kind]


def steps_logged(run: RunDirectory) -> int:
    """The number of the last step whose loss has been logged."""
    last = events_of(run, "steps")[-1:]
    return last[0]["first_step"] + len(last[0]["losses"]) - 1 if last else 0


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    tool = Workbench(tmp_path)
    yield tool
    for process in tool.started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    for run in tool.runs:
        trainer = process_id(run)
        if trainer is not None:
            os.kill(trainer, 9)
