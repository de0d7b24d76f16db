"""Milliseconds a step of some networks on each engine, in turns, and what the engine took to make.

    uv run python -m tests.benchmarks.engines --set data.batch_size=512

Each engine has a trainer of its own in this process. What lies elsewhere in the caches makes a difference of up to
10 %, so smaller ones between engines say nothing; for those see `peers`, whose contenders are processes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

from tests.benchmarks.figures import spread, table
from tests.benchmarks.in_process import close, new_trainer
from tests.benchmarks.machine import ENGINES, describe
from tests.benchmarks.mnist_sized import mnist_folder
from workbench.errors import WorkbenchError
from workbench.training.epoch_order import epoch_order
from workbench.training.trainer import Trainer

STEPS = 100
"""Of a turn."""


def main() -> None:
    """Prints a table for each preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", default="mnist-mlp,mnist-cnn", help="of those that train on MNIST")
    parser.add_argument("--engines", default="eager,traced,compiled", help=f"of {','.join(ENGINES)}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="settings for all")
    parser.add_argument("--turns", type=int, default=6)
    options = parser.parse_args()
    print(describe("torch"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder, what = mnist_folder(scratch / "data")
        for preset in options.presets.split(","):
            print("\n" + " ".join([preset, *options.set]) + f"; {what}")
            settings = [f'data.folder="{folder}"', *options.set]
            print(compared(scratch, preset, settings, options.engines.split(","), options.turns), flush=True)


def compared(scratch: Path, preset: str, settings: list[str], engines: list[str], turns: int) -> str:
    """The table: a row for each engine that fits."""
    trainers: dict[str, Trainer] = {}
    for engine in engines:
        try:
            trainers[engine] = new_trainer(scratch, preset, *settings, f"runtime.engine={engine}")
        except WorkbenchError as error:
            print(f"{engine}: {error}")
    times: dict[str, list[float]] = {engine: [] for engine in trainers}
    for _ in range(turns + 1):
        for engine, trainer in trainers.items():
            times[engine].append(_step_ms(trainer))
    rows = [("", "made in", "ms a step", "× the first")]
    for engine, trainer in trainers.items():
        own, first = times[engine][1:], times[next(iter(trainers))][1:]
        ratios = [one / other for one, other in zip(own, first, strict=True)]
        rows.append((engine, f"{trainer.engine_choice.seconds:.2f} s", spread(own), spread(ratios, 2)))
        close(trainer)
    return table(rows)


def _step_ms(trainer: Trainer) -> float:
    """Mean of the first steps of an epoch, up to the last one's loss."""
    trainer.job.model.train()
    trainer.engine.start_epoch(epoch_order(trainer.job, 0))
    started, step = perf_counter(), 0
    while step < min(STEPS, trainer.job.steps_per_epoch):
        step += trainer.engine.run_steps(step + 1).steps
    trainer.engine.losses.read(wait=True)
    return 1000 * (perf_counter() - started) / step


if __name__ == "__main__":
    main()
