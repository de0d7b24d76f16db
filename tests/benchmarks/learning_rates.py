"""Does the learning rate that the range test names train as well as the one in the preset?

    python -m tests.benchmarks.learning_rates [--seeds 10] [--only digits iris] [--mnist]
    python -m tests.benchmarks.learning_rates --time

Each data set is trained with the rate of its preset, with the steepest point, with the valley, and with the geometric
mean of these two, over seeds that the range test has not seen. Printed are means over these seeds: the lowest
validation loss, and the test metric of the best epoch; and the difference to the preset's test metric, paired over the
seeds, with its interval of 95 % and the p of a sign-flip test. An interval that holds 0 shows no difference.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import psutil

from workbench.processes.measuring import MeasuringProcess
from workbench.processes.modules import Module
from workbench.processes.range_test import SEEDS, Request, Suggested, range_test
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd
from workbench.runs.tail import EventTail
from workbench.runs.writer import EventWriter
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import assemble
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.trainer import Trainer
from workbench.training.tuning.range_test import sweep_seeds
from workbench.training.tuning.suggestion import suggest
from workbench.tuning.statistics import mean_interval, sign_flip_test

BUNDLED = {
    "digits": ("fast", []),
    "iris": ("iris", []),
    "breast_cancer": ("fast", ["data.name=breast_cancer", "data.batch_size=16"]),
    "wine": ("fast", ["data.name=wine", "data.batch_size=16"]),
}
MNIST = {"mnist": ("mnist-mlp", ["training.epochs=2"])}


def main() -> None:
    """Prints a row for each data set and rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", nargs="*", choices=[*BUNDLED, *MNIST], help="these data sets alone")
    parser.add_argument("--time", action="store_true", help="instead, how long a range test takes, cold and warm")
    parser.add_argument("--mnist", action="store_true", help="MNIST too, two epochs each; it is downloaded")
    asked = parser.parse_args()
    if asked.time:
        asyncio.run(time_range_tests(library.load("fast")))
        return
    known = BUNDLED | (MNIST if asked.mnist else {})
    for name in asked.only or known:
        preset_name, assignments = (BUNDLED | MNIST)[name]
        preset = library.load(preset_name).override([*assignments, "runtime.device=cpu"])
        data = prepare(preset, lambda progress: None)
        rates = Request.of(preset).rates()
        answer = suggest(rates, list(sweep_seeds(data, preset, rates, SEEDS, lambda *_: None)))
        found = answer.suggested
        print(f"{name}: steepest {found.steepest}, valley {found.valley}, before divergence {found.before_divergence}")
        compare(data, preset, found, asked.seeds)


def compare(data: PreparedData, preset: Preset, found: Suggested, seeds: int) -> None:
    """Prints a row for each rate."""
    between = None if found.steepest is None or found.valley is None else math.sqrt(found.steepest * found.valley)
    named = {"best": found.best, "valley": found.valley, "between": between}
    own: list[float] = []
    done: dict[float, list[tuple[float, float]]] = {}
    for what, rate in ({"preset": preset.optimizer.learning_rate} | named).items():
        if rate is None:
            continue
        if rate not in done:
            done[rate] = [train(data, preset, rate, 1000 + seed) for seed in range(seeds)]
        trained = done[rate]
        loss, test = (fmean(pair[place] for pair in trained) for place in (0, 1))
        tests = [pair[1] for pair in trained]
        own = own or tests
        line = f"   {what:<7} {rate:<9.3g} validation loss {loss:.4f}  test {test:.4f}"
        if tests is not own and seeds > 1:
            differences = [each - base for each, base in zip(tests, own, strict=True)]
            low, high = mean_interval(differences)
            p = sign_flip_test(differences).p
            line += f"  difference {fmean(differences):+.4f} ({low:+.4f} to {high:+.4f}), p {p:.3f}"
        print(line, flush=True)


async def time_range_tests(preset: Preset) -> None:
    """Prints the wall time and the processor time of range tests that one process answers one after another."""
    request = Request.of(preset)
    async with MeasuringProcess.launched(Module.RANGE_TEST) as process:
        before = 0.0
        for what in ("cold", "warm", "warm", "warm"):
            began = time.perf_counter()
            async for _ in range_test(process, request):
                pass
            wall = time.perf_counter() - began
            cpu = sum(psutil.Process(process.pid).cpu_times()[:2])
            print(f"{what}: {wall:.2f} s, {cpu - before:.2f} s of processor time", flush=True)
            before = cpu


def train(data: PreparedData, preset: Preset, rate: float, seed: int) -> tuple[float, float]:
    """The lowest validation loss, and the test metric that the preset monitors."""
    preset = preset.override([f"optimizer.learning_rate={rate!r}", f"training.seed={seed}"])
    with tempfile.TemporaryDirectory() as folder:
        run = create_run(Path(folder), preset.name, preset.to_toml())
        trainer = Trainer(assemble(data, preset), run, EventWriter(run.events), Inbox(run))
        trainer.train()
        ends = [event for _, event in EventTail(run.events).read() if isinstance(event, EpochEnd)]
        tested: dict[str, Any] = trainer.test_metrics or {}
        return min(end.validation["loss"] for end in ends if end.validation), tested[trainer.job.monitor.name]


if __name__ == "__main__":
    main()
