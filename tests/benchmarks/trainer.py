"""Seconds an epoch of the classic MNIST network: the plain script against workbench, and workbench measuring or not.

    uv run python -m tests.benchmarks.trainer

Each contender is a process of its own; they take turns, so that a machine whose speed drifts slows all of them, and
what is printed is the ratio of medians. The first epoch of each process warms up and is left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from tests.benchmarks.mnist_sized import mnist_folder
from workbench.devices.host import describe_host
from workbench.runs.directory import create_run
from workbench.runs.launch import start_trainer
from workbench.runs.writer import EventWriter
from workbench.settings.library import load
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

PLAIN, OURS = "plain script", "workbench"


def plain_epochs(folder: Path, epochs: int) -> list[float]:
    """Seconds of each epoch but the first of the plain script."""
    script = Path(__file__).with_name("plain_script.py")
    command = [sys.executable, str(script), str(folder), str(epochs + 1)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(line) for line in printed.split()][1:]


def workbench_epochs(folder: Path, epochs: int, scratch: Path, *assignments: str) -> tuple[list[float], float]:
    """Seconds of training of each epoch but the first, and the test accuracy."""
    preset = load("mnist-mlp").override(
        [f'data.folder="{folder}"', "validation.method=none", f"training.epochs={epochs + 1}", *assignments]
    )
    run = create_run(scratch, preset.name, preset.to_toml())
    if start_trainer(run, "benchmark").wait() != 0:
        raise RuntimeError(run.summary.read_text())
    events = [json.loads(line) for line in run.events.read_text().splitlines()]
    seconds = [event["train_seconds"] for event in events if event["type"] == "epoch"]
    return seconds[1:], json.loads(run.summary.read_text())["test"]["accuracy"]


def measuring_ratios(folder: Path, pairs: int, scratch: Path) -> list[float]:
    """Seconds of an epoch with measuring over seconds without, pair by pair.

    Two trainers in one process take turns, epoch by epoch, and who goes first changes: on a machine whose speed drifts
    by more than what is looked for, only neighbours can be compared.
    """
    trainers = []
    for measure in ("true", "false"):
        preset = load("mnist-mlp").override(
            [f'data.folder="{folder}"', "validation.method=none", f"training.epochs={pairs + 1}",
             "training.keep_best=false", f"runtime.measure={measure}"]
        )  # fmt: skip
        run = create_run(scratch, preset.name, preset.to_toml())
        job = build_job(preset, lambda progress: None)
        trainers.append(Trainer(job, run, EventWriter(run.events), Inbox(run)))
    ratios = []
    for pair in range(pairs + 1):
        seconds = {}
        for trainer in trainers if pair % 2 == 0 else reversed(trainers):
            trainer.train_one_epoch()
            assert trainer.last_epoch is not None
            seconds[trainer] = trainer.last_epoch.train_seconds
        ratios.append(seconds[trainers[0]] / seconds[trainers[1]])
    return ratios[1:]  # the first pair warms up


def main() -> None:
    """Runs the contenders in turn and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4, help="how often each contender runs")
    parser.add_argument("--epochs", type=int, default=3, help="counted epochs of each run")
    parser.add_argument("--pairs", type=int, default=30, help="pairs of epochs, with measuring and without")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {PLAIN: [], OURS: []}
    accuracy = 0.0
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder, real = mnist_folder(scratch / "data")
        for turn in range(options.rounds):
            seconds[PLAIN] += plain_epochs(folder, options.epochs)
            epochs, accuracy = workbench_epochs(folder, options.epochs, scratch)
            seconds[OURS] += epochs
            print(f"round {turn + 1} of {options.rounds} done", file=sys.stderr)
        ratios = measuring_ratios(folder, options.pairs, scratch)
    host = describe_host()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{host.get('cpu')}, {host.get('logical_cores')} cores; device {device}; torch {torch.__version__}")
    print(f"784-512-256-10, Adam 0.01, batch 64, {'real MNIST' if real else 'noise of the size of MNIST'}")
    medians = {contender: statistics.median(values) for contender, values in seconds.items()}
    for contender, values in seconds.items():
        print(
            f"{contender:<26} median {medians[contender]:.3f} s an epoch ({min(values):.3f} to {max(values):.3f}, "
            f"{len(values)} epochs)   {medians[PLAIN] / medians[contender]:.2f} × the plain script"
        )
    low, middle, high = (f"{100 * (ratio - 1):+.1f}" for ratio in statistics.quantiles(ratios, n=4))
    print(
        f"measuring on against off: {middle} % of the step time "
        f"(median of {len(ratios)} pairs of epochs; half of them between {low} and {high} %)"
    )
    print(f"test accuracy of the last run: {100 * accuracy:.2f} %")


if __name__ == "__main__":
    main()
