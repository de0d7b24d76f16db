"""How an epoch's time grows with batch size, width and number of samples, engine by engine.

    uv run python -m tests.benchmarks.growth

The last column is the ratio to the row above. Twice the batch: 0.5 where a step's fixed cost dominates, 1 where
arithmetic or bytes do. Twice the width: 1 where the fixed cost dominates, the ratio of the parameters where arithmetic
does. Twice the samples: 2. All trainers of a sweep live at once and take turns, epoch by epoch.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import spread, table
from tests.benchmarks.in_process import close, epoch_seconds, new_trainer
from tests.benchmarks.machine import ENGINES, describe
from tests.benchmarks.mnist_sized import first_samples, mnist_folder
from workbench.errors import WorkbenchError

WARM_UP = 1
"""Epochs of each trainer that are left out."""


@dataclass(frozen=True)
class Sweep:
    """One setting that doubles while the others stay."""

    name: str
    values: tuple[int, ...]
    samples: int
    """Trained on, unless they are what is swept."""

    def settings(self, value: int) -> list[str]:
        """The preset's, for one value."""
        if self.name == "batch size":
            return [f"data.batch_size={value}"]
        return [f"model.hidden=[{value},{value // 2}]"] if self.name == "width" else []


def main() -> None:
    """Sweeps, and prints a table for each engine and setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each, beside one that warms up")
    parser.add_argument("--samples", type=int, default=20_000, help="trained on while batch size or width grows")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true", help="a few small sizes, to see that it works")
    options = parser.parse_args()
    print(describe("torch"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder, what = mnist_folder(scratch / "data")
        print(f"784-512-256-10, ReLU, Adam 0.01, batch 64 where nothing else is said; {what}")
        for engine in options.engines.split(","):
            own = [f"runtime.engine={engine}", f"runtime.device={options.device}"]
            for sweep in sweeps(options.samples, options.quick):
                print(f"\n{engine}, {sweep.samples} samples" if sweep.name != "samples" else f"\n{engine}")
                try:
                    print(table(measured(sweep, scratch, folder, options.epochs, own)), flush=True)
                except WorkbenchError as error:
                    print(f"not available: {error}")


def sweeps(samples: int, quick: bool) -> tuple[Sweep, ...]:
    """What is swept."""
    if quick:
        samples = 2_000
        return (
            Sweep("batch size", (64, 128), samples),
            Sweep("width", (64, 128), samples),
            Sweep("samples", (1_000, 2_000), samples),
        )
    return (
        Sweep("batch size", tuple(doubled(64, 8192)), samples),
        Sweep("width", tuple(doubled(64, 2048)), samples),
        Sweep("samples", tuple(doubled(7_500, 60_000)), samples),
    )


def doubled(first: int, last: int) -> Iterator[int]:
    """first, twice as much, and so on up to last."""
    while first <= last:
        yield first
        first *= 2


def measured(sweep: Sweep, scratch: Path, folder: Path, epochs: int, settings: list[str]) -> list[tuple[str, ...]]:
    """The rows of a sweep's table. Raises WorkbenchError where the engine does not fit this machine."""
    trainers = []
    for value in sweep.values:
        part = first_samples(folder, scratch, value if sweep.name == "samples" else sweep.samples)
        trainers.append(new_trainer(scratch, "mnist-mlp", f'data.folder="{part}"', *settings, *sweep.settings(value)))
    seconds: list[list[float]] = [[] for _ in trainers]
    for _ in range(WARM_UP + epochs):
        for trainer, own in zip(trainers, seconds, strict=True):
            own.append(epoch_seconds(trainer))
    rows: list[tuple[str, ...]] = [(sweep.name, "parameters", "steps", "ms a step", "s an epoch", "× the row above")]
    before: float | None = None
    for value, trainer, own in zip(sweep.values, trainers, seconds, strict=True):
        close(trainer)
        kept = own[WARM_UP:]
        epoch, steps = median(kept), trainer.job.steps_per_epoch
        rows.append(
            (
                f"{value:,}",
                f"{trainer.job.parameters:,}",
                f"{steps:,}",
                f"{1000 * epoch / steps:.3f}",
                spread(kept, 4),
                "" if before is None else f"{epoch / before:.2f}",
            )
        )
        before = epoch
    return rows


if __name__ == "__main__":
    main()
