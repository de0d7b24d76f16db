"""Runs a search as a process of its own and reads what it has found, and when: seconds count from the process's start.

Imports are in it. A value counts if it is written within the budget; what still runs then is ended. Only workbench,
whose time counts from when its controller has started, says a second later which settings it has chosen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.searches.curves import Value, best_of, curve
from tests.benchmarks.searches.task import Task, settings_of, write_preset, write_task
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import TrialAsked, TrialValue
from workbench.tuning.view import study_tail

PEERS = Path(__file__).parent / "peers"
SCRIPTS = {"optuna": "optuna_script", "ray": "ray_script", "keras": "keras_script"}
WORKBENCH = {"workbench": (), "workbench-asha": ("--discard", "asha")}
"""The command's options."""
TOOLS = (*WORKBENCH, *SCRIPTS)
GRACE = 30.0
"""Seconds in which a process that was asked to end does so."""


@dataclass(frozen=True)
class Found:
    """What a search has found within its budget."""

    curve: list[tuple[float, float]]
    """Seconds, and the lowest validation loss so far, where it falls."""
    settings: dict[str, Any] | None
    """Those that are chosen; None where nothing was found."""
    trials: int
    """That have given a value."""
    values: int
    """Epochs of all trials."""
    problem: str = ""
    """What the process said last, where it has failed."""


def search(tool: str, task: Task, seed: int, seconds: float) -> Found:
    """Searches with a tool from its cold start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if tool in WORKBENCH:
            return _workbench(WORKBENCH[tool], task, seed, seconds, folder)
        values = folder / "values.jsonl"
        script = str(PEERS / f"{SCRIPTS[tool]}.py")
        command = [sys.executable, script, str(write_task(task, folder)), str(values), str(seed), f"{seconds:g}"]
        began, problem = _run(command, folder, seconds)
        lines = values.read_text().splitlines() if values.exists() else []
        read = [json.loads(line) for line in lines if line.endswith("}")]
        found = [Value(line["time"] - began, line["loss"], line["trial"], line["settings"]) for line in read]
        return _found(found, seconds, problem)


def _workbench(options: Sequence[str], task: Task, seed: int, seconds: float, folder: Path) -> Found:
    """Repeats with fresh seeds are part of the search, but their values are not: they would be lucky seeds."""
    command = [sys.executable, "-m", "workbench", "tune", "search", "-p", str(write_preset(task, folder))]
    command += ["--time", f"{seconds:g}s", "--seed", str(seed), "--studies-dir", str(folder / "studies"), "--json"]
    began, problem = _run([*command, *options], folder, seconds, waits=True)
    studies = sorted((folder / "studies").glob("*/events.jsonl"))
    if not studies:
        return _found([], seconds, problem)
    asked: dict[int, TrialAsked] = {}
    values = []
    for _, event in study_tail(StudyDirectory(studies[0].parent)).read():
        if isinstance(event, TrialAsked):
            asked[event.trial] = event
        elif isinstance(event, TrialValue) and asked[event.trial].repeats is None:
            loss = float("nan") if event.value is None else event.value
            settings = settings_of(task, asked[event.trial].settings)
            values.append(Value(event.time - began, loss, event.trial, settings))
    found = _found(values, seconds, problem)
    printed = (folder / "printed").read_text().splitlines()
    result = json.loads(printed[-1]) if printed and printed[-1].startswith("{") else {}
    if result.get("best"):
        return Found(found.curve, settings_of(task, result["best"]["settings"]), found.trials, found.values, problem)
    return found


def _found(values: Sequence[Value], seconds: float, problem: str) -> Found:
    counted = [value for value in values if value.seconds <= seconds]
    best = best_of(counted)
    settings = None if best is None else dict(best.settings)
    return Found(curve(counted), settings, len({str(value.settings) for value in counted}), len(counted), problem)


def _run(command: Sequence[str], folder: Path, seconds: float, *, waits: bool = False) -> tuple[float, str]:
    """Runs a command for a time; when it began, and what it said last if it failed before it was ended.

    waits: it ends by itself soon after.
    """
    with (folder / "printed").open("w") as printed, (folder / "errors").open("w") as errors:
        began = time.time()
        process = subprocess.Popen(command, stdout=printed, stderr=errors, env=os.environ | {"TMPDIR": str(folder)})
        try:
            code = process.wait(seconds + (GRACE if waits else 0))
        except subprocess.TimeoutExpired:
            code = 0
            _end(process)
    said = (folder / "errors").read_text().strip().splitlines()
    return began, "" if code == 0 else f"ended with {code}: {'; '.join(said[-2:])}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all that it has started."""
    started = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(started, timeout=3)
    for each in alive:
        each.kill()
