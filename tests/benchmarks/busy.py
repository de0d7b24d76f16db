"""What another program on the same cores costs a trainer, by how the threads of PyTorch wait for each other.

    uv run python -m tests.benchmarks.busy                           # some fifteen minutes
    uv run python -m tests.benchmarks.busy --beside trainer          # beside another trainer of the same kind

One trainer for each way of waiting, all of them stopped (SIGSTOP) but one; each has a window alone and a window beside
one program that computes without end, in an order that changes from round to round. So drift and caches meet all of
them alike. A window in which anything else took more than a tenth of a core is measured again, as long as there is
patience; how much the counted windows had of that is printed. `as it comes` is GNU OpenMP's own choice, `workbench` is
workbench's. Nothing here is asserted: these are figures to read.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import psutil

from tests.benchmarks.disturbance import _Steps
from tests.benchmarks.figures import table
from tests.benchmarks.machine import describe
from tests.benchmarks.mnist_sized import mnist_folder
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings import library

WAYS: dict[str, dict[str, str]] = {
    "as it comes": {"GOMP_SPINCOUNT": "300000"},  # what GNU OpenMP takes where nothing is set
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
    **{f"GOMP_SPINCOUNT={spins}": {"GOMP_SPINCOUNT": str(spins)} for spins in (1000, 2000, 4000, 8000)},
    "workbench": {},
}
ONE_THREAD = "one thread"
WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
SETTLE_SECONDS = 5.0
"""Left out at the begin of a window: workbench's trainers notice within some seconds who else is there."""
WINDOW_SECONDS = 2.5
QUIET_CORES = 0.1
MOST_TRIES = 12
FIRST_STEP_SECONDS = 120.0


def main() -> None:
    """Measures, preset by preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", default="fast,mnist-mlp")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", choices=("program", "trainer"), default="program")
    parser.add_argument("--ways", help="of " + "; ".join([*WAYS, ONE_THREAD]))
    options = parser.parse_args()
    print(describe("torch"))
    chosen = options.ways.split(";") if options.ways else [*WAYS, ONE_THREAD]
    for preset in options.presets.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            measure(preset, chosen, options.rounds, options.beside, Path(scratch))


def measure(preset: str, ways: list[str], rounds: int, beside: str, scratch: Path) -> None:
    """Prints steps a second of every way, alone and beside a busy program, and the medians of the paired ratios."""
    settings = ["training.epochs=1000000", "runtime.device=cpu", "training.checkpoint_seconds=100000"]
    if preset.startswith("mnist"):
        folder, what = mnist_folder(scratch / "data")
        settings.append(f'data.folder="{folder}"')
        print(what)
    found: dict[tuple[str, bool], list[float]] = {(way, busy): [] for way in ways for busy in (False, True)}
    others: list[float] = []
    with ExitStack() as stack:
        trainers = {way: stack.enter_context(trainer(preset, settings, way, scratch)) for way in ways}
        if beside == "trainer":
            busy = {way: stack.enter_context(trainer(preset, settings, way, scratch))[1] for way in ways}
        else:
            busy = dict.fromkeys(ways, stack.enter_context(stopped([sys.executable, "-c", "while True: pass"])))
        for turn in range(rounds):
            for way in random.Random(turn).sample(ways, len(ways)):
                for is_busy in (False, True) if turn % 2 else (True, False):
                    rate, other = quiet_window(*trainers[way], busy[way] if is_busy else None)
                    found[way, is_busy].append(rate)
                    others.append(other)
    first = ways[0]
    rows = [["", "alone", f"over {first}", f"beside another {beside}", f"over {first}", "beside over alone"]]
    for way in ways:
        alone, shared = found[way, False], found[way, True]
        rows.append(
            [
                way,
                f"{median(alone):.0f} steps/s",
                f"{paired(alone, found[first, False]):.2f} ×",
                f"{median(shared):.0f} ({min(shared):.0f} to {max(shared):.0f}) steps/s",
                f"{paired(shared, found[first, True]):.1f} ×",
                f"{paired(shared, alone):.2f} ×",
            ]
        )
    print(
        f"\n{preset}, medians of {rounds} rounds; cores that others took: {median(others):.2f} (most {max(others):.2f})"
    )
    print(table(rows), flush=True)


def paired(values: list[float], others: list[float]) -> float:
    """The median of the ratios of the same round."""
    return median(value / other for value, other in zip(values, others, strict=True))


@contextmanager
def trainer(preset: str, settings: list[str], way: str, scratch: Path) -> Iterator[tuple[RunDirectory, int]]:
    """A trainer that has made its first steps, and is stopped; its run and its process id."""
    threads = ["runtime.num_threads=1"] if way == ONE_THREAD else []
    run = create_run(scratch, preset, library.load(preset).override([*settings, *threads]).to_toml())
    environment = {name: value for name, value in os.environ.items() if name not in WAITING}
    command = [sys.executable, "-P", "-m", "workbench.training.processes.worker", str(run.path)]
    with stopped(command, environment | WAYS.get(way, {}), run) as process_id:
        yield run, process_id


@contextmanager
def stopped(
    command: list[str], environment: dict[str, str] | None = None, run: RunDirectory | None = None
) -> Iterator[int]:
    """A process that stands still once it runs; with a run, once that has made steps."""
    with subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        try:
            began = time.monotonic()
            while run is not None and not _has_trained(run):
                if process.poll() is not None or time.monotonic() - began > FIRST_STEP_SECONDS:
                    raise RuntimeError(f"{run.path} makes no steps")
                time.sleep(0.1)
            os.killpg(process.pid, signal.SIGSTOP)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _has_trained(run: RunDirectory) -> bool:
    return run.events.exists() and b'"type":"timing"' in run.events.read_bytes()


def quiet_window(run: RunDirectory, process_id: int, program: int | None) -> tuple[float, float]:
    """Steps a second in the quietest window that patience allows, and how many cores others took in it."""
    best = steps_per_second(run, process_id, program)
    for _ in range(MOST_TRIES):
        if best[1] <= QUIET_CORES:
            break
        best = min(best, steps_per_second(run, process_id, program), key=lambda window: window[1])
    return best


def steps_per_second(run: RunDirectory, process_id: int, program: int | None) -> tuple[float, float]:
    """Of the trainer, while only it runs, or it and the busy program; and how many cores others took."""
    steps = _Steps(run)
    awake = [psutil.Process(each) for each in (program, process_id) if each is not None]
    for each in awake:
        each.resume()
    try:
        time.sleep(SETTLE_SECONDS)
        start, used = time.time(), _busy_seconds(awake)
        time.sleep(WINDOW_SECONDS)
        end, others = time.time(), _busy_seconds(awake) - used
        milliseconds = steps.milliseconds(start, end)
        if milliseconds is None:
            raise RuntimeError(f"{run.path}: no second was timed in a window of {WINDOW_SECONDS:g}")
        return 1000 / milliseconds, others / (end - start)
    finally:
        for each in awake:
            each.suspend()


def _busy_seconds(ours: list[psutil.Process]) -> float:
    """That the cores were busy with anything but our processes."""
    machine = psutil.cpu_times()
    busy = machine.user + machine.nice + machine.system + machine.irq + machine.softirq
    return float(busy - sum(sum(each.cpu_times()[:2]) for each in ours))


if __name__ == "__main__":
    main()
