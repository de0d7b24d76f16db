"""What observing costs: an epoch with all that is measured by default against one with `runtime.measure = false`.

    uv run python -m tests.benchmarks.observing

Two trainers in one process take turns, epoch by epoch, and who goes first changes: on a machine whose speed drifts by
more than what is looked for, only neighbours can be compared.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.figures import percent_more
from tests.benchmarks.in_process import close, epoch_seconds, new_trainer
from tests.benchmarks.machine import ENGINES, describe
from tests.benchmarks.mnist_sized import first_samples, mnist_folder

WARM_UP = 2
"""Pairs that are left out."""


def main() -> None:
    """Compares, engine by engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=30, help="pairs of epochs")
    parser.add_argument("--engines", default="auto", help=f"auto, or of {','.join(ENGINES)}")
    parser.add_argument("--samples", type=int, help="train on this many; all if left out")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    print(describe("torch"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder, what = mnist_folder(scratch / "data")
        if options.samples:
            folder = first_samples(folder, scratch, options.samples)
        print(f"mnist-mlp, {options.samples or 'all'} samples; {what}\n")
        for engine in options.engines.split(","):
            settings = [f'data.folder="{folder}"', f"runtime.engine={engine}", f"runtime.device={options.device}"]
            ratios = observing_ratios(scratch, options.pairs, settings)
            print(f"{engine:<9} observing on against off: {percent_more(ratios)}")


def observing_ratios(scratch: Path, pairs: int, settings: list[str]) -> list[float]:
    """Seconds of an epoch of mnist-mlp with observing over seconds without, pair by pair."""
    trainers = [
        new_trainer(scratch, "mnist-mlp", *settings, f"runtime.measure={measure}") for measure in ("true", "false")
    ]
    ratios = []
    for pair in range(pairs + WARM_UP):
        seconds = {trainer: epoch_seconds(trainer) for trainer in (trainers if pair % 2 == 0 else trainers[::-1])}
        ratios.append(seconds[trainers[0]] / seconds[trainers[1]])
    for trainer in trainers:
        close(trainer)
    return ratios[WARM_UP:]


if __name__ == "__main__":
    main()
