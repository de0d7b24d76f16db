"""What compiling an optimizer's update gains or loses on the CPU, in the steps of the classic MNIST network.

    uv run python -m tests.benchmarks.updates

One trainer does some steps with the update as the traced engine makes it, then some with the compiled one, in turns
over the same weights and state: copies of them lie elsewhere in the caches, which alone makes a difference of 10 %.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from tests.benchmarks.figures import percent_more, spread
from tests.benchmarks.in_process import close, new_trainer
from tests.benchmarks.machine import describe
from tests.benchmarks.mnist_sized import mnist_folder
from workbench.training.engines.traced import TracedEngine
from workbench.training.graphs.compiled_optimizer import NANOSECONDS_SAVED, compile_update
from workbench.training.graphs.traced_optimizer import RecordedUpdate, can_be_recorded

LABELS = ("rmsprop", "adadelta", "nadam", "adamax", "adam", "adagrad", "sgd")
STEPS = 150
"""Of a turn."""
WARM_UP = 3
"""Pairs of turns that are left out."""


def main() -> None:
    """Compares, optimizer by optimizer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=27, help="pairs of turns")
    parser.add_argument("--optimizers", default=",".join(LABELS))
    options = parser.parse_args()
    # Also those that are known to lose, and with an update that is compiled here and nowhere else.
    NANOSECONDS_SAVED.update(dict.fromkeys((torch.optim.Adam, torch.optim.Adagrad, torch.optim.SGD), 1.0))
    print(describe("torch"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder, what = mnist_folder(scratch / "data")
        print(f"mnist-mlp, batch 64; {what}; ms a step\n")
        for label in options.optimizers.split(","):
            plain, compiled = turns(scratch, options.pairs, [f'data.folder="{folder}"', f"optimizer.name={label}"])
            more = percent_more([one / other for one, other in zip(compiled, plain, strict=True)])
            print(f"{label:<9} {spread(plain)}, compiled {spread(compiled)}: {more}", flush=True)


def turns(scratch: Path, pairs: int, settings: list[str]) -> tuple[list[float], list[float]]:
    """Median milliseconds of a step in each turn, as it is and with a compiled update."""
    trainer = new_trainer(scratch, "mnist-mlp", *settings, "runtime.engine=traced", "runtime.device=cpu")
    engine, optimizer = trainer.engine, trainer.job.optimizer
    assert isinstance(engine, TracedEngine)
    made = compile_update(optimizer)
    rate = trainer.job.preset.optimizer.learning_rate
    found: tuple[list[float], list[float]] = ([], [])
    trainer.job.model.train()
    for _ in range(pairs + WARM_UP):
        for compiled, times in enumerate(found):
            for group in optimizer.param_groups:
                group["lr"] = rate
            if compiled:
                engine._update_recorded = RecordedUpdate(optimizer, made)
            else:
                engine._update_recorded = RecordedUpdate(optimizer) if can_be_recorded(optimizer) else None
            times.append(_median_step(engine))
    close(trainer)
    return found[0][WARM_UP:], found[1][WARM_UP:]


def _median_step(engine: TracedEngine) -> float:
    engine.start_epoch(torch.randperm(STEPS * 64))
    times = []
    for step in range(1, STEPS + 1):
        started = perf_counter()
        engine.run_steps(step)
        times.append(1000 * (perf_counter() - started))
    engine.losses.read(wait=True)
    return median(times)


if __name__ == "__main__":
    main()
