"""Kills of a study at random moments: `python -m tests.end_to_end.study_kills [--kills N] [--seed N]`.

The controller, the trainer of a trial, or both are killed by SIGKILL, and the study is resumed where its controller was
killed, again and again until it completes. Then its trials (settings, origin, state, value after each epoch) are
compared with those of a study that nobody killed; wall times are not. Trials that are trained together begin again,
for their process ends with its controller. No trial may be lost, doubled or left running,
and no run may be left over. Prints what was killed when, and every difference; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.runs.lock import is_running, process_id
from workbench.runs.status import status
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, create_study, trials_of
from workbench.tuning.ending import MOST_RETRIES
from workbench.tuning.process import start_controller
from workbench.tuning.question import Question
from workbench.tuning.view import StudyView, TrialView, read_study_view

RANGE = {
    "optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
    "model.dropout": {"low": 0.0, "high": 0.5},
}
PRESET = ["name=kills", "data.name=iris", "training.epochs=60", "training.checkpoint_seconds=0.1", "runtime.device=cpu"]
SCENARIOS: dict[str, Question] = {
    "keep the best two": Question(
        way="search", search=RANGE, trials=6, keep=2, discard_after=3, confirm=2, seeds=(1, 2), together="never"
    ),
    "asha": Question(
        way="search",
        search=RANGE,
        trials=7,
        discard="asha",
        discard_after=2,
        confirm=1,
        seeds=(1,),
        sampler="random",
        together="never",
    ),
    "five seeds": Question(way="repeat", seeds=(0, 1, 2, 3, 4), together="never"),
    "ten seeds together": Question(way="repeat", seeds=tuple(range(10)), together="always"),
}
VICTIMS = ("controller", "worker", "both")
MOST_KILLS = 6
"""Of one study."""
PATIENCE_SECONDS = 300.0


@dataclass
class Figures:
    """What came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    """By who was killed."""
    trial_states: Counter[str] = field(default_factory=Counter)
    """What the trial that was being trained did when something was killed."""
    studies: int = 0
    trials: int = 0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} of the {kind}" for kind, count in self.kills.most_common())
        states = ", ".join(f"{count} {state}" for state, count in self.trial_states.most_common())
        return (
            f"{self.kills.total()} kills in {self.studies} studies with {self.trials} trials ({kinds}; {states}), "
            f"{len(self.differences)} differences"
        )


def new_study(folder: Path, question: Question) -> StudyDirectory:
    return create_study(folder, Preset().override(PRESET), question)


def worker_of(study: StudyDirectory) -> int | None:
    """The process that trains a trial now."""
    for run in reversed(trials_of(study)):
        if is_running(run):
            return process_id(run)
    return None


def kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


@dataclass
class Killer:
    """Kills at random moments: some lines of events after the last kill, and a little later."""

    chance: random.Random
    figures: Figures
    left: int
    """Kills that are left for the study."""
    most_lines: int
    """Between two kills."""

    def visit(self, study: StudyDirectory, controller: subprocess.Popen[bytes]) -> None:
        """Kills trainers while the controller lives, and then it too, or until no kill is left."""
        while self.left > 0 and controller.poll() is None:
            lines, seconds = self.chance.randint(0, self.most_lines), self.chance.uniform(0.0, 0.2)
            if not wait(controller, study, lines_of(study) + lines, seconds):
                return
            self.left -= 1
            self._kill(study, controller, self.chance.choice(VICTIMS))

    def _kill(self, study: StudyDirectory, controller: subprocess.Popen[bytes], victim: str) -> None:
        worker, running = worker_of(study), read_study_view(study).running
        # A trial whose trainer has died three times is given up, and so it should be.
        if worker is None or (running and running[0].retries >= MOST_RETRIES):
            victim = "controller"
        self.figures.kills[victim] += 1
        self.figures.trial_states["between trials" if worker is None else state_of(running)] += 1
        if victim in ("controller", "both"):
            kill_group(controller.pid)
        if victim in ("worker", "both") and worker is not None:
            kill_group(worker)


def live(study: StudyDirectory, killer: Killer) -> bool:
    """A life of the controller; whether it has ended by itself."""
    controller = start_controller(study, "kills")
    killer.visit(study, controller)
    code = controller.wait(PATIENCE_SECONDS)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"exit code {code}: {study.log.read_text()}")
    return code == 0


def lines_of(study: StudyDirectory) -> int:
    return study.events.read_bytes().count(b"\n") if study.events.exists() else 0


def wait(process: subprocess.Popen[bytes], study: StudyDirectory, lines: int, seconds: float) -> bool:
    """Waits for so many lines of events, and then so long; whether the process still lives."""
    while lines_of(study) < lines and process.poll() is None:
        time.sleep(0.005)
    time.sleep(seconds)
    return process.poll() is None


def state_of(running: list[TrialView]) -> str:
    if not running:
        return "starting a trial"
    return "in its first epochs" if running[0].epoch < 3 else "training"


def told(view: StudyView) -> list[dict[str, Any]]:
    """What a study has found, without names of runs and times."""
    return [
        {
            "settings": trial.settings, "origin": trial.origin, "repeats": trial.repeats, "status": trial.status,
            "values": trial.values, "value": trial.value, "reason": trial.reason, "changes": trial.changes,
        }
        for trial in view.trials.values()
    ]  # fmt: skip


def differences(study: StudyDirectory, expected: list[dict[str, Any]]) -> Iterator[str]:
    view = read_study_view(study)
    found = told(view)
    if len(found) != len(expected):
        yield f"{len(found)} trials in place of {len(expected)}"
    for number, (here, there) in enumerate(zip(found, expected, strict=False)):
        for name in there:
            # Why a trial was tried again is no result, and stays in its view.
            if here[name] != there[name] and not (name == "reason" and here["status"] == "completed"):
                yield f"trial {number}: {name} {here[name]!r} in place of {there[name]!r}"
    runs = trials_of(study)
    with_runs = sum(bool(trial.run) for trial in view.trials.values())
    if len(runs) != with_runs or with_runs not in (0, len(view.trials)):
        yield f"{len(runs)} runs of {len(view.trials)} trials, {with_runs} of which should have one"
    for run in runs:
        if status(run) not in ("completed", "stopped"):
            yield f"the run {run.name} is {status(run)}"
    for path in study.path.rglob(".*"):
        yield f"left behind: {path}"


def kill(folder: Path, kills: int, seed: int, scenarios: list[str], say: Any = print) -> Figures:
    """Kills that often, over the scenarios in turn."""
    chance, figures = random.Random(seed), Figures()
    unkilled: dict[str, tuple[list[dict[str, Any]], int]] = {}
    while figures.kills.total() < kills:
        name = scenarios[figures.studies % len(scenarios)]
        if name not in unkilled:
            study = new_study(folder / "unkilled", SCENARIOS[name])
            began = time.monotonic()
            assert live(study, Killer(chance, figures, 0, 0))
            unkilled[name] = told(read_study_view(study)), lines_of(study)
            say(f"{name}: {len(unkilled[name][0])} trials, {time.monotonic() - began:.1f} s without a kill")
        expected, lines = unkilled[name]
        study, before = new_study(folder / "killed", SCENARIOS[name]), figures.kills.total()
        killer = Killer(chance, figures, min(MOST_KILLS, kills - before), lines // 4)
        while not live(study, killer):
            pass
        figures.studies += 1
        figures.trials += len(expected)
        figures.differences += [f"{name}: {text}" for text in differences(study, expected)][:20]
        say(f"{name}: {figures.kills.total() - before} kills; {figures}")
    return figures


def main() -> int:
    """Kills, and prints the figures."""
    parser = argparse.ArgumentParser(description="Kills studies at random moments and compares what comes of them.")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", choices=list(SCENARIOS), action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = kill(
            Path(folder), options.kills, options.seed, options.scenario or list(SCENARIOS),
            lambda text: print(text, flush=True),
        )  # fmt: skip
    print(figures)
    print("\n".join(figures.differences))
    return 1 if figures.differences else 0


if __name__ == "__main__":
    sys.exit(main())
