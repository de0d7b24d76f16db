"""Opening a run of ten million steps: how long until its curves are whole, and what they weigh.

uv run python -m tests.benchmarks.long_run
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path

from workbench.runs.directory import RunDirectory
from workbench.runs.event_lines import encode, float32_text_value
from workbench.runs.events import Started, Steps
from workbench.runs.history import read_history

STEPS_A_LINE = 100


def main() -> None:
    """Writes the run, reads it some times, and prints what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory(Path(folder))
        write(run, arguments.steps)
        size = run.events.stat().st_size
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds = []
        for _ in range(arguments.rounds):
            began = time.perf_counter()
            history = read_history(run)
            seconds.append(time.perf_counter() - began)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    buckets = sum(len(curve) for curve in history.curves.values())
    median, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{history.view.step:,} steps, {size / 1e6:.0f} MB of events")
    print(f"read in      {median:.2f} s ({least:.2f} to {most:.2f}, {arguments.rounds} times)")
    print(f"kept         {buckets:,} buckets; memory grew by {grown / 1024:.0f} MiB")


def write(run: RunDirectory, steps: int) -> None:
    """The events of a run whose loss trembles."""
    numbers = random.Random(0)
    with run.events.open("w") as file:
        file.write(f"{encode(Started(process_id=1))}\n")
        for first in range(1, steps + 1, STEPS_A_LINE):
            losses = [float32_text_value(numbers.random()) for _ in range(STEPS_A_LINE)]
            event = Steps(
                first_step=first, epoch=first / 938, losses=losses, learning_rate=0.01, seconds=round(first * 1e-4, 4)
            )
            file.write(f"{encode(event)}\n")


if __name__ == "__main__":
    main()
