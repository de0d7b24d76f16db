"""Candidates that are trained together against one by one, and all of iris left out, one at a time.

    uv run python -m tests.benchmarks.stacked --widths 16,32,64,128,256,512

Both ways are timed in turns in one process, full steps only; one by one by the engine that a run would take. Processor
time is printed beside wall time: on a machine that others use as well it says more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from tests.benchmarks.figures import table
from tests.benchmarks.machine import describe
from workbench.runs.directory import create_run
from workbench.runs.status import status
from workbench.settings.preset import Preset
from workbench.training.processes.worker import live
from workbench.training.tuning.stacked.faster_way import SingleSteps, StackedSteps
from workbench.training.tuning.stacked.train import Keep, prepare_all, stacks_of, train_stacks


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", default="16,32,64,128,256,512")
    parser.add_argument("--batch-sizes", default="16,64")
    parser.add_argument("--candidates", type=int, default=64)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=50, help="of leaving one of iris out")
    parser.add_argument("--single-runs", type=int, default=150, help="of leaving one of iris out, one after another")
    options = parser.parse_args()
    print(describe("torch"))
    rows: list[tuple[str, ...]] = [("hidden", "batch", "together, ms", "one by one, ms", "×", "× processor time")]
    for batch_size in map(int, options.batch_sizes.split(",")):
        widths = map(int, options.widths.split(","))
        rows += [compared(width, batch_size, options.candidates, options.turns) for width in widths]
    print(f"\nA step of {options.candidates} networks on digits (64 inputs, one hidden layer, 10 classes, Adam)")
    print(table(rows), flush=True)
    presets = left_out_presets(options.epochs)
    print(f"\n{left_out(presets)}", flush=True)
    print(left_out_singly(presets[: options.single_runs]))


def compared(width: int, batch_size: int, candidates: int, turns: int) -> tuple[str, ...]:
    """A row: the time of a step of all candidates, both ways."""
    base = preset(f"model.hidden=[{width}]", "data.name=digits", f"data.batch_size={batch_size}")
    presets = [
        base.override([f"optimizer.learning_rate={0.0005 * (number + 1)}", f"training.seed={number}"])
        for number in range(candidates)
    ]
    data = prepare_all(presets, lambda _: None)
    together, single = StackedSteps(stacks_of(data, presets)[0]), SingleSteps(data[0], presets[0])
    together.run(5)
    single.run(20)
    times = [(*_seconds(lambda: together.run(4), 4), *_seconds(lambda: single.run(40), 40)) for _ in range(turns)]
    ratios = [single * candidates / stacked for stacked, _, single, _ in times]
    cpu_ratios = [single * candidates / stacked for _, stacked, _, single in times]
    stacked_ms, single_ms = (1000 * median(turn[place] for turn in times) for place in (0, 2))
    return (
        f"{width}",
        f"{batch_size}",
        f"{stacked_ms:.2f}",
        f"{single_ms * candidates:.1f}",
        f"{median(ratios):.1f}",
        f"{median(cpu_ratios):.1f}",
    )


def left_out_presets(epochs: int) -> list[Preset]:
    """A model for each sample of iris."""
    base = preset("model.hidden=[16]", "data.name=iris", "data.batch_size=16", f"training.epochs={epochs}")
    whole = base.override(["validation.method=leave_one_out", "validation.test_fraction=0", "validation.fold=0"])
    return [whole.override([f"validation.fold={fold}"]) for fold in range(150)]


def left_out(presets: list[Preset]) -> str:
    """They are trained together."""
    began, began_cpu = perf_counter(), process_time()
    data = prepare_all(presets, lambda _: None)
    prepared = perf_counter()
    keep_all: Keep = lambda epoch, values: None  # noqa: E731
    courses = train_stacks(stacks_of(data, presets), len(presets), keep_all)
    ended = perf_counter()
    right = [course.epochs[-1].validation for course in courses]
    accuracy = sum(values["accuracy"] or 0.0 for values in right if values is not None) / len(courses)
    return (
        f"leave-one-out of iris, {len(courses)} models of {presets[0].training.epochs} epochs together: "
        f"{ended - began:.1f} s ({prepared - began:.1f} s preparing), "
        f"{process_time() - began_cpu:.1f} s of processor time; "
        f"accuracy {accuracy:.3f}"
    )


def left_out_singly(presets: list[Preset]) -> str:
    """A run for each of them in this process, which is warm: with its directory, events and checkpoints."""
    began, began_cpu = perf_counter(), process_time()
    for each in presets:
        with TemporaryDirectory() as folder:
            run = create_run(Path(folder), each.name, each.to_toml())
            live(run)
            assert status(run) == "completed"
    seconds, cpu_seconds = perf_counter() - began, process_time() - began_cpu
    return (
        f"one by one: {len(presets)} runs {seconds:.1f} s ({cpu_seconds:.1f} s of processor time); "
        f"150 runs at this speed {150 * seconds / len(presets):.0f} s"
    )


def preset(*settings: str) -> Preset:
    """Settings of all networks here."""
    return Preset().override(["runtime.device=cpu", *settings])


def _seconds(run: Callable[[], object], steps: int) -> tuple[float, float]:
    """Wall and processor time of a step."""
    began, began_cpu = perf_counter(), process_time()
    run()
    return (perf_counter() - began) / steps, (process_time() - began_cpu) / steps


if __name__ == "__main__":
    main()
