"""Seconds an epoch and accuracy of the classic MNIST network: the plain script, Lightning, Keras on JAX, workbench.

    uv run --group benchmarks python -m tests.benchmarks.peers

Each contender is a program of its own, and they take turns, so that a machine whose speed drifts slows all of them:
what is compared is the medians of one round, and what is shown the median of the rounds. The first epoch of each, in
which some compile, is shown apart. workbench runs as it comes: measuring, logging every loss, keeping the best weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import spread, table
from tests.benchmarks.machine import ENGINES, describe
from tests.benchmarks.mnist_sized import first_samples, mnist_folder
from tests.benchmarks.programs import FailedError, Trained, run_script, run_workbench

Contender = Callable[[int], Trained]
"""Trains once, from a seed."""
PLAIN = "plain script"
SCRIPTS = {
    PLAIN: ("plain_script", "torch"),
    "Lightning": ("lightning_script", "lightning"),
    "Keras on JAX": ("keras_on_jax", "keras"),
}
"""The program of each, and the package that it needs."""


def main() -> None:
    """Runs the contenders in turn and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each run, beside the first")
    parser.add_argument("--engines", default="", help=f"workbench with these as well, of {','.join(ENGINES)}")
    parser.add_argument("--samples", type=int, help="train on this many; all if left out")
    parser.add_argument("--only", default="", help="of the contenders, only those whose names hold one of these")
    options = parser.parse_args()
    print(describe("torch", "lightning", "keras", "jax"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder, what = mnist_folder(scratch / "data")
        if options.samples:
            folder = first_samples(folder, scratch, options.samples)
        chosen = contenders(folder, scratch, options.epochs + 1, [e for e in options.engines.split(",") if e])
        words = [word for word in options.only.split(",") if word]
        if words:
            chosen = {name: run for name, run in chosen.items() if name == PLAIN or any(word in name for word in words)}
        print(f"784-512-256-10, ReLU, Adam 0.01, batch 64, {options.samples or 'all'} samples; {what}\n")
        print(render(take_turns(chosen, options.rounds)))


def contenders(folder: Path, scratch: Path, epochs: int, engines: list[str]) -> dict[str, Contender]:
    """All that can run here, by name, the plain script first."""
    chosen: dict[str, Contender] = {}
    for name, (script, package) in SCRIPTS.items():
        if find_spec(package) is None:
            print(f"{name}: {package} is not installed; uv run --group benchmarks brings it")
            continue
        chosen[name] = lambda seed, script=script: run_script(script, folder, epochs, seed)  # type: ignore[misc]
    settings = [f'data.folder="{folder}"', "validation.method=none", f"training.epochs={epochs}"]
    for engine in ("auto", *engines):
        own = [*settings, f"runtime.engine={engine}"]
        chosen[f"workbench ({engine})"] = lambda seed, own=own: run_workbench(  # type: ignore[misc]
            scratch / "runs", "mnist-mlp", [*own, f"training.seed={seed}"]
        )
    return chosen


def take_turns(chosen: dict[str, Contender], rounds: int) -> dict[str, list[Trained]]:
    """What each did in every round; one that fails is left out with its reason."""
    results: dict[str, list[Trained]] = {name: [] for name in chosen}
    for turn in range(rounds):
        for name, run in chosen.items():
            if name not in results:
                continue
            print(f"round {turn + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            try:
                results[name].append(run(turn))
            except FailedError as error:
                print(f"{name} failed: {error}")
                del results[name]
    return results


def render(results: dict[str, list[Trained]]) -> str:
    """The table."""
    rows = [("", "s an epoch", "× plain script", "first epoch", "whole run", "test accuracy")]
    plain = results.get(PLAIN, [])
    for name, runs in results.items():
        ratios = [median(a.epochs) / median(b.epochs) for a, b in zip(plain, runs, strict=False)]
        engine = runs[0].engine
        rows.append(
            (
                name.replace("auto", f"auto: {engine}") if engine else name,
                spread([seconds for run in runs for seconds in run.epochs]),
                spread(ratios, 2) if ratios else "",
                f"{median(run.first_epoch for run in runs):.2f} s",
                f"{median(run.whole for run in runs):.1f} s",
                f"{100 * median(run.accuracy for run in runs):.2f} %",
            )
        )
    return table(rows)


if __name__ == "__main__":
    main()
