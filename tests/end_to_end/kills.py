"""Kills of a trainer at random moments: `python -m tests.end_to_end.kills [--kills N] [--seed N]`.

Each run is killed by SIGKILL again and again, and resumed, until it completes; then every loss, every epoch's metrics,
the test's, `last.pt` and `best.pt` are compared bit for bit with those of a run that nobody killed. Trainers are forked
from a process that has imported everything, so that a life costs no imports. Prints what the trainers were doing when
they were killed, and every difference; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.runs.checkpoints import best_checkpoint

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads do not survive a fork

import torch

from tests.end_to_end.conftest import events_of
from workbench.processes.worker import trainer_environment
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.status import read_summary
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.processes import worker

OFTEN = "training.checkpoint_seconds=0"  # at every look, ten times a second
SCENARIOS: dict[str, list[str]] = {
    "dropout, checkpoints all the time": ["data.name=iris", "model.dropout=0.2", "training.epochs=300", OFTEN],
    "a wide network, so that a checkpoint takes its time": [
        "data.name=digits", "model.hidden=[1024, 1024]", "model.dropout=0.1", "training.epochs=4", OFTEN],
    "augmentation, one cycle, momentum": [
        "data.name=digits", "data.shift=1", "data.cutout=2", "optimizer.name=sgd", "optimizer.momentum=0.9",
        "schedule.name=one_cycle", "training.epochs=20", "training.checkpoint_seconds=0.2"],
    "a plateau, and an early stop": [
        "data.name=breast_cancer", "schedule.name=plateau", "schedule.patience=1", "training.epochs=150",
        "training.early_stopping_patience=40", "training.monitor=loss", OFTEN],
    "a loader, accumulation and clipping": [
        "data.name=wine", "data.batch_size=16", "runtime.data_loading=dataloader", "runtime.num_workers=0",
        "training.gradient_accumulation=2", "training.gradient_clip_norm=0.5", "training.epochs=60", OFTEN],
    "regression, few validations": [
        "data.name=diabetes", "loss.name=mse", "training.epochs=200", "training.validate_every=3",
        "training.checkpoint_seconds=0.1"],
    "a loader with workers": [
        "data.name=digits", "runtime.data_loading=dataloader", "runtime.num_workers=1", "training.epochs=5", OFTEN],
}  # fmt: skip


@dataclass
class Figures:
    """What came of it."""

    kills: int = 0
    runs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    """What the trainers that were killed had said last that they do."""
    writing: int = 0
    """Kills at which a checkpoint was being written."""
    resumed_from_previous: int = 0
    differences: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Temporary files that a run which has completed still holds."""

    def __str__(self) -> str:
        states = ", ".join(f"{count} {state}" for state, count in self.states.most_common())
        return (
            f"{self.kills} kills in {self.runs} runs ({states}; {self.writing} while a checkpoint was written), "
            f"{len(self.differences)} differences, {len(self.left)} files left behind"
        )


def import_all() -> None:
    """Imports what trainers do; nothing is trained here: PyTorch's autograd refuses to run on both sides of a fork."""
    for module in ("rich.style", "sklearn.datasets", "sklearn.model_selection"):
        import_module(module)
    for module in ("processes.environment", "processes.summary", "trainer", "job"):
        import_module(f"workbench.training.{module}")


def fork_trainer(run: RunDirectory) -> int:
    """A trainer of the run; returns its process id."""
    process_id = os.fork()
    if process_id:
        return process_id
    code = 70
    with contextlib.suppress(BaseException):
        os.setsid()
        os.environ.update(trainer_environment("kills"))
        log = os.open(run.worker_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = worker.main([str(run.path)])
    os._exit(code)


def live(run: RunDirectory, seconds: float | None, *, once_prepared: bool = False) -> int | None:
    """A life of the run's trainer, ended by SIGKILL after so long; its exit code, None if it was killed.

    once_prepared: the time counts from when this life begins to train.
    """
    before, trainer = lives_prepared(run), fork_trainer(run)
    until = None if seconds is None or once_prepared else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        ended, status = os.waitpid(trainer, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if until is None and seconds is not None and lives_prepared(run) > before:
            until = time.monotonic() + seconds
        time.sleep(0.002)
    try:
        os.killpg(trainer, signal.SIGKILL)  # with the workers of its loader
    except ProcessLookupError:
        os.kill(trainer, signal.SIGKILL)
    os.waitpid(trainer, 0)
    return None


def lives_prepared(run: RunDirectory) -> int:
    """How often a trainer of the run has come to training."""
    return run.events.read_bytes().count(b'{"type":"prepared"') if run.events.exists() else 0


def outcome(run: RunDirectory) -> dict[str, Any]:
    """All that a run leaves, but how long it took."""
    losses: dict[int, float] = {}
    for event in events_of(run, "steps"):
        losses.update(enumerate(event["losses"], start=event["first_step"]))
    left_out = ("time", "seconds", "train_seconds", "validation_seconds")
    epochs = {
        event["epoch"]: {name: value for name, value in event.items() if name not in left_out}
        for event in events_of(run, "epoch")
    }
    cpu = torch.device("cpu")
    last, best = (checkpoints.load(path, cpu) for path in (run.last_checkpoint, best_checkpoint(run)))
    for clock in ("seconds", "seconds_before_epoch"):
        del last["position"][clock]
    tests = [event["metrics"] for event in events_of(run, "test")][-1:]
    summary = read_summary(run)
    return {
        "losses": losses, "epochs": epochs, "tests": tests, "last.pt": last, "best.pt": best,
        "status": None if summary is None else summary.status,
    }  # fmt: skip


def differences(found: Any, expected: Any, where: str) -> Iterator[str]:
    """Where two outcomes differ in a bit."""
    if type(found) is not type(expected):
        yield f"{where}: {type(found).__name__} in place of {type(expected).__name__}"
    elif isinstance(expected, torch.Tensor):
        if found.dtype != expected.dtype or not torch.equal(found, expected):
            yield f"{where}: another tensor"
    elif isinstance(expected, dict):
        if found.keys() != expected.keys():
            yield f"{where}: {sorted(map(str, found.keys() ^ expected.keys()))[:5]} on one side only"
        for key in found.keys() & expected.keys():
            yield from differences(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, (list, tuple)):
        if len(found) != len(expected):
            yield f"{where}: {len(found)} in place of {len(expected)}"
        for index, pair in enumerate(zip(found, expected, strict=False)):
            yield from differences(*pair, f"{where}[{index}]")
    elif found != expected and not (found != found and expected != expected):
        yield f"{where}: {found!r} in place of {expected!r}"


def new_run(folder: Path, assignments: list[str]) -> RunDirectory:
    preset = Preset().override(["name=kills", "runtime.device=cpu", *assignments])
    return create_run(folder, preset.name, preset.to_toml())


def left_behind(run: RunDirectory) -> list[str]:
    return [str(path) for path in run.path.rglob(".*")]


def kill(folder: Path, kills: int, seed: int, say: Any = print) -> Figures:
    """Kills that often, over the scenarios in turn."""
    chance, figures = random.Random(seed), Figures()
    unkilled: dict[str, tuple[dict[str, Any], float]] = {}
    turn = 0
    while figures.kills < kills:
        name = list(SCENARIOS)[turn % len(SCENARIOS)]
        turn += 1
        if name not in unkilled:
            run = new_run(folder / "unkilled", SCENARIOS[name])
            code = live(run, None)
            assert code == 0, f"{name}: exit code {code}: {run.worker_log.read_text()}"
            prepared, finished = (events_of(run, kind)[0]["time"] for kind in ("prepared", "finished"))
            unkilled[name] = outcome(run), finished - prepared
            say(f"{name}: {unkilled[name][1]:.1f} s without a kill")
        expected, seconds = unkilled[name]
        run, before = new_run(folder / "killed", SCENARIOS[name]), figures.kills
        # More than a life has, so that some come to their end; less each time would never.
        most = max(kills // len(SCENARIOS) + 1, 4)
        code = None
        while code is None:
            is_last = figures.kills - before >= most or figures.kills >= kills
            length = None if is_last else chance.uniform(0.0, 0.7) * seconds
            code = live(run, length, once_prepared=chance.random() < 0.85)
            if code is None:
                figures.kills += 1
                states = events_of(run, "state")
                figures.states[states[-1]["state"] if states else "starting"] += 1
                figures.writing += any(run.checkpoints.glob(".*.pt.*"))
        figures.runs += 1
        found = outcome(run) if code == 0 else {"exit code": code, "log": run.worker_log.read_text()[-2000:]}
        figures.differences += [f"{name}: {text}" for text in differences(found, expected, "")][:20]
        figures.left += left_behind(run)
        say(f"{name}: {figures.kills - before} kills; {figures}")
    return figures


def main() -> int:
    """Kills, and prints the figures."""
    parser = argparse.ArgumentParser(description="Kills trainers at random moments and compares what comes of them.")
    parser.add_argument("--kills", type=int, default=70)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import_all()
    with tempfile.TemporaryDirectory() as folder:
        figures = kill(Path(folder), options.kills, options.seed, lambda text: print(text, flush=True))
    print(figures)
    print("\n".join(figures.differences + figures.left))
    return 1 if figures.differences or figures.left else 0


if __name__ == "__main__":
    sys.exit(main())
