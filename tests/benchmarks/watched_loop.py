"""What watching costs a loop: the same steps bare and watched, in turns in one process.

`python -m tests.benchmarks.watched_loop [--milliseconds 1] [--seconds 3] [--rounds 7] [--device cpu]`

A step computes (matrix products) for about the given time. Bare and watched rounds alternate, in changing order; a
round's figure is its time a step, and the result is the median of the ratios of neighbouring rounds. Also printed: what
a step of nothing costs more when it is watched, in processor time of the whole process, the thread that writes
included: other programs on the machine hardly change that figure.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import torch

import workbench


class Step:
    """A step of a given length: products of small matrices, whose last sum is the loss."""

    def __init__(self, seconds: float, device: str) -> None:
        self.weight = torch.rand(64, 64, device=device) / 64
        self.turns = 1
        self._synchronize: Callable[[], object] = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
        if seconds > 0:
            took = min(self._time(100) for _ in range(5)) / 100
            self.turns = max(round(seconds / took), 1)
        else:
            self.turns = 0

    def _time(self, turns: int) -> float:
        self._synchronize()
        began = perf_counter()
        self.forward(turns)
        self._synchronize()
        return perf_counter() - began

    def forward(self, turns: int) -> torch.Tensor:
        """The product of that many matrices."""
        value = self.weight
        for _ in range(turns):
            value = value @ self.weight
        return value[0, 0]

    def synchronize(self) -> None:
        """Waits for the device."""
        self._synchronize()


def bare(step: Step, steps: int, clock: Callable[[], float]) -> float:
    """Seconds a step without watching."""
    half = step.turns // 2
    step.synchronize()
    began = clock()
    for _ in range(steps):
        loss = step.forward(half)
        step.forward(step.turns - half)
        loss = loss.detach()
    step.synchronize()
    return (clock() - began) / steps


def watched(step: Step, steps: int, run: workbench.WatchedRun, clock: Callable[[], float]) -> float:
    """Seconds a step with data time, three phases, and a logged loss."""
    half = step.turns // 2
    step.synchronize()
    began = clock()
    for _ in run.steps(range(steps)):
        with run.forward():
            loss = step.forward(half)
        with run.backward():
            step.forward(step.turns - half)
        with run.optimizer_step():
            pass
        run.log(loss=loss)
    step.synchronize()
    return (clock() - began) / steps


def measure(
    milliseconds: float, seconds: float, rounds: int, device: str, clock: Callable[[], float] = perf_counter
) -> tuple[float, float, float]:
    """Medians: of the ratio watched to bare, and of the seconds a step of both."""
    step = Step(milliseconds / 1000, device)
    steps = max(round(seconds / max(milliseconds / 1000, 2e-6)), 1)
    times: dict[str, list[float]] = {"bare": [], "watched": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        workbench.watch("benchmark", runs_dir=Path(folder), device=device) as run,
    ):
        watched(step, min(steps, 200), run, clock)
        for number in range(rounds):
            for way in ("bare", "watched") if number % 2 else ("watched", "bare"):
                times[way].append(bare(step, steps, clock) if way == "bare" else watched(step, steps, run, clock))
    ratios = [after / before for after, before in zip(times["watched"], times["bare"], strict=True)]
    return statistics.median(ratios), statistics.median(times["bare"]), statistics.median(times["watched"])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--milliseconds", type=float, default=1.0, help="length of a step")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ratio, bare_seconds, watched_seconds = measure(
        options.milliseconds, options.seconds, options.rounds, options.device
    )
    print(f"a step of {1000 * bare_seconds:.3f} ms takes {1000 * watched_seconds:.3f} ms watched: {ratio:.4f} times")
    _, bare_seconds, watched_seconds = measure(0.0, 0.05, options.rounds, options.device, process_time)
    print(f"watching costs {1e6 * (watched_seconds - bare_seconds):.2f} µs of processor time a step")


if __name__ == "__main__":
    main()
