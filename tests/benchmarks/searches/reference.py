"""What can be reached: the best of 1,024 full trainings with settings by chance. Computed once, kept in reference.json.

Only losses matter, so it may run slowly, beside other work. Each training is a line of a file; where that ends, the
next run of the command continues.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import torch

from tests.benchmarks.searches.task import Task, arrays, described, draw
from tests.benchmarks.searches.training import train

KEPT = Path(__file__).parent / "reference.json"
TRAININGS = 1024


def train_all(task: Task, lines: Path, count: int = TRAININGS) -> list[dict[str, Any]]:
    """Trains what is not in `lines` yet; number n has settings and weights by the seed n."""
    torch.set_num_threads(1)
    data = arrays(task)
    done = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    with lines.open("a") as file:
        for number in range(len(done), count):
            settings = draw(task, Random(number))
            course = train(task, data, settings, number)
            done.append({"loss": course.lowest, "test": course.test, "settings": settings})
            file.write(json.dumps(done[-1]) + "\n")
            file.flush()
    return done[:count]


def summed_up(task: Task, done: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is kept of a data set."""
    best = min(done, key=lambda each: float(each["loss"]))
    finite = [each["loss"] for each in done if each["loss"] < float("inf")]
    parts = quantiles(finite, n=100, method="inclusive")
    return {
        "loss": best["loss"],
        "test": best["test"],
        "settings": best["settings"],
        "trainings": len(done),
        "diverged": len(done) - len(finite),
        "quantiles": {f"{percent} %": round(parts[percent - 1], 5) for percent in (1, 5, 10, 25, 50, 75)},
        "epochs": task.epochs,
        "space": described(task),
        "how": "full trainings with settings by chance, SGD; the lowest loss of the validation split after any epoch",
        "torch": torch.__version__,
    }


def keep(dataset: str, found: dict[str, Any], kept: Path = KEPT) -> None:
    """Adds a data set to the file."""
    everything = json.loads(kept.read_text()) if kept.exists() else {}
    kept.write_text(json.dumps(everything | {dataset: found}, indent=2) + "\n")


@dataclass(frozen=True)
class Reference:
    """What trainings by chance have given on a data set."""

    loss: float
    """The lowest."""
    best_percent: float
    """What one of a hundred reaches."""


def references(kept: Path = KEPT) -> dict[str, Reference]:
    """By data set."""
    everything = json.loads(kept.read_text())
    return {name: Reference(found["loss"], found["quantiles"]["1 %"]) for name, found in everything.items()}
