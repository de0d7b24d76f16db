"""Trains small presets by the command line, as a user does, with every engine; a line and a JSON record for each."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.gpu.on_card.commands import run
from tests.gpu.on_card.kit import PYTHON, Kit

ENGINES = "from workbench.settings.runtime import Runtime; print(*Runtime.model_fields['engine'].annotation.__args__)"
"""Prints the names of all engines."""
LEAST_SECONDS = 15.0
"""With less left no more runs are started."""


@dataclass(frozen=True)
class Training:
    """One training of the smoke stage."""

    preset: str
    engine: str
    epochs: int

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.preset} {self.engine}"


def smoke(kit: Kit, seconds: float) -> None:
    """Trains in rounds: one alone, several at once (their times are no figures), and the usual one alone at last."""
    kit.add("== smoke (times of several at once are no figures; those of `alone` are)")
    end = time.time() + seconds
    if not kit.on_gpu:
        rounds = [[Training("fast", "eager", 2)], [Training("fast", "auto", 2)]]
    else:
        engines = run([PYTHON, "-c", ENGINES], kit.work / "engines.log", 60).output.split()
        slow = [engine for engine in engines if engine in ("eager", "traced")]
        rounds = [
            [Training("fast", "eager", 5)],
            [Training("fast", engine, 5 if engine in slow else 20) for engine in engines if engine != "eager"],
            [*(Training("mnist-mlp", engine, 4) for engine in engines), Training("mnist-cnn", "auto", 2)],
            [Training("text-docstrings", "auto", 4), Training("char-transformer", "auto", 1)],
            [Training("mnist-mlp", "auto", 12)],
        ]
    for trainings in rounds:
        if end - time.time() < LEAST_SECONDS:
            kit.add(f"{', '.join(training.name for training in trainings)}: left out, time is up")
            continue
        if len(trainings) == 1:
            kit.add("alone:")
        with ThreadPoolExecutor(len(trainings)) as pool:
            for record in pool.map(lambda training: train(kit, training, end - time.time()), trainings):
                kit.add(in_words(record))


def train(kit: Kit, training: Training, seconds: float) -> dict[str, Any]:
    """Trains a preset; returns its record, which is also written to smoke.log."""
    unique = re.sub(r"[^a-z0-9]+", "-", f"{training.name} {training.epochs}")
    runs = kit.work / "runs" / unique
    command = [PYTHON, "-m", "workbench", "--preset", training.preset, "--json", "--runs-dir", str(runs)]
    for setting in (
        f"runtime.device={kit.device}", f"runtime.engine={training.engine}", f"training.epochs={training.epochs}",
    ):  # fmt: skip
        command += ["--set", setting]
    ended = run(command, kit.work / f"smoke-{unique}.log", max(seconds, 5.0))
    record = record_of(training.name, events_in(ended.output), summary_in(runs))
    record["exit"] = ended.in_words
    with (kit.out / "smoke.log").open("a") as file:
        file.write(json.dumps(record) + "\n")
        if ended.exit_code != 0:
            file.write("\n".join(line for line in ended.output.splitlines() if line[:1] != "{")[-4000:] + "\n")
            for log in runs.glob("*/worker.log"):
                file.write(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}\n")
    return record


def events_in(output: str) -> list[dict[str, Any]]:
    """The JSON lines of an output."""
    found: list[dict[str, Any]] = []
    for line in output.splitlines():
        if line.startswith("{"):
            with suppress(ValueError):
                found.append(json.loads(line))
    return found


def summary_in(runs: Path) -> dict[str, Any]:
    """The summary of the only run in a folder; empty if there is none."""
    for path in runs.glob("*/summary.json"):
        summary: dict[str, Any] = json.loads(path.read_text())
        return summary
    return {}


def record_of(name: str, events: list[dict[str, Any]], summary: dict[str, Any]) -> dict[str, Any]:
    """Summarizes a training run by its events and its summary; None for what they do not say."""

    def of_type(kind: str) -> list[dict[str, Any]]:
        return [event for event in events if event.get("type") == kind]

    def last(kind: str) -> dict[str, Any]:
        return (of_type(kind) or [{}])[-1]

    prepared, epochs, footprint = last("prepared"), of_type("epoch"), last("footprint")
    steps = prepared.get("steps_per_epoch") or 1
    timed = [timing for timing in of_type("timing") if timing.get("timed_steps")]
    return {
        "name": name,
        "status": summary.get("status") or last("finished").get("status"),
        "reason": last("finished").get("reason", ""),
        "engine": prepared.get("engine"),
        "engine_reason": prepared.get("engine_reason"),
        "engine_seconds": prepared.get("engine_seconds"),
        "step_us": median(1e6 * epoch["train_seconds"] / steps for epoch in epochs[1:]) if epochs[1:] else None,
        "losses": [epoch["train"]["loss"] for epoch in epochs],
        "test_accuracy": last("test").get("metrics", {}).get("accuracy"),
        "warnings": [event.get("message", "") for event in of_type("warning")],
        "phase_ms": timed[-1]["phase_ms"] if timed else {},
        "seconds": summary.get("seconds"),
        "peak_bytes": summary.get("torch_peak_bytes"),
        "expected_peak_bytes": footprint.get("expected_peak_bytes"),
        "gpu_busy_share": summary.get("gpu_busy_share"),
    }


def in_words(record: dict[str, Any]) -> str:
    """A line of the table; what went wrong in lines of its own."""

    def number(value: float | None, form: str) -> str:
        return "?" if value is None else format(value, form)

    def mib(value: int | None) -> str:
        return "?" if value is None else f"{value / 2**20:.1f}"

    losses = record["losses"]
    learnt = f"{losses[0]:.4g} > {losses[-1]:.4g}" if losses else "?"
    line = (
        f"{record['name']:<22} {record['status'] or record['exit']:<10} as {record['engine'] or '?':<11}"
        f"{number(record['step_us'], '9.1f')} us/step  loss {learnt}  test {number(record['test_accuracy'], '.4f')}  "
        f"peak {mib(record['peak_bytes'])} MiB (expected {mib(record['expected_peak_bytes'])})"
    )
    return "\n".join([line, *(f"      ! {text[:300]}" for text in (record["reason"], *record["warnings"]) if text)])
