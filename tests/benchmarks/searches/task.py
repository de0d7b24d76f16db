"""What is searched: seven settings as in LCBench (Zimmer et al. 2021, *Auto-PyTorch*), on four small data sets.

All tools have the same samples, split and standardised, the same space, and the same number of epochs of a full
training. workbench reads the data by itself, with scikit-learn; the others get arrays, and need not import that.
Batch sizes and units are powers of two, for a search of workbench lists layers of a width as choices of
`model.hidden`. Batches are no larger than the training split.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from torch import Tensor

from workbench.settings.preset import Preset
from workbench.settings.toml_text import toml
from workbench.training.prepared_data import prepare

LEARNING_RATE = (1e-4, 0.1)
MOMENTUM = (0.1, 0.99)
WEIGHT_DECAY = (1e-5, 0.1)
DROPOUT = (0.0, 0.9)
LAYERS = (1, 5)
UNITS = (64, 128, 256, 512, 1024)
BATCH_SIZES = (16, 32, 64, 128, 256, 512)
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Task:
    """A data set, and how long a full training is."""

    dataset: str
    epochs: int
    outputs: int
    """Classes; 1 of a regression."""
    largest_batch: int
    """The largest of BATCH_SIZES that the training split fills."""

    @property
    def is_regression(self) -> bool:
        """Whether numbers are predicted."""
        return self.outputs == 1

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """That are searched."""
        return tuple(size for size in BATCH_SIZES if size <= self.largest_batch)

    @property
    def space(self) -> dict[str, Any]:
        """What every tool searches, by name: two ends, of numbers on a logarithmic scale or not, or all values."""
        return {
            "batch_size": self.batch_sizes,
            "learning_rate": LEARNING_RATE,
            "momentum": MOMENTUM,
            "weight_decay": WEIGHT_DECAY,
            "layers": LAYERS,
            "units": UNITS,
            "dropout": DROPOUT,
        }


TASKS = {
    task.dataset: task
    for task in (
        Task("digits", epochs=10, outputs=10, largest_batch=512),
        Task("breast_cancer", epochs=20, outputs=2, largest_batch=256),
        Task("wine", epochs=20, outputs=3, largest_batch=64),
        Task("diabetes", epochs=20, outputs=1, largest_batch=128),
    )
}


def draw(task: Task, random: Random) -> dict[str, Any]:
    """Settings by chance: rates and weight decay on a logarithmic scale, everything else evenly."""
    return {
        "batch_size": random.choice(task.batch_sizes),
        "learning_rate": math.exp(random.uniform(*map(math.log, LEARNING_RATE))),
        "momentum": random.uniform(*MOMENTUM),
        "weight_decay": math.exp(random.uniform(*map(math.log, WEIGHT_DECAY))),
        "layers": random.randint(*LAYERS),
        "units": random.choice(UNITS),
        "dropout": random.uniform(*DROPOUT),
    }


def preset_of(task: Task) -> Preset:
    """The task for workbench, with its `[search]` table.

    Its own settings, which are tried first, are the middle of each range: nothing is known of what is good.
    """
    batch_sizes = task.batch_sizes
    widths = [[units] * layers for layers in range(LAYERS[0], LAYERS[1] + 1) for units in UNITS]
    return Preset.from_mapping(
        {
            "name": task.dataset,
            "data": {"name": task.dataset, "batch_size": batch_sizes[len(batch_sizes) // 2]},
            "model": {"name": "mlp", "hidden": [256, 256, 256], "dropout": 0.45},
            "activation": {"name": "relu"},
            "loss": {"name": "mse" if task.is_regression else "cross_entropy"},
            "optimizer": {"name": "sgd", "learning_rate": 0.003, "momentum": 0.55, "weight_decay": 0.001},
            "validation": {"method": "holdout", "fraction": 0.25, "test_fraction": 0.25},
            "training": {"epochs": task.epochs, "monitor": "loss"},
            "runtime": {"device": "cpu"},
            "search": {
                "data.batch_size": {"choices": list(batch_sizes)},
                "optimizer.learning_rate": _range(LEARNING_RATE, log=True),
                "optimizer.momentum": _range(MOMENTUM, log=False),
                "optimizer.weight_decay": _range(WEIGHT_DECAY, log=True),
                "model.hidden": {"choices": widths},
                "model.dropout": _range(DROPOUT, log=False),
            },
        },
        "the benchmark",
    )


def _range(ends: tuple[float, float], *, log: bool) -> dict[str, Any]:
    return {"low": ends[0], "high": ends[1], "log": log}


def settings_of(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a trial of workbench has changed, as the seven settings."""
    flat = preset_of(task).flat() | dict(changes)
    return {
        "batch_size": flat["data.batch_size"],
        "learning_rate": flat["optimizer.learning_rate"],
        "momentum": flat["optimizer.momentum"],
        "weight_decay": flat["optimizer.weight_decay"],
        "layers": len(flat["model.hidden"]),
        "units": flat["model.hidden"][0],
        "dropout": flat["model.dropout"],
    }


def arrays(task: Task) -> dict[str, Tensor]:
    """Inputs float32 (n, features) and targets, int64 (n,) or float32 (n, 1), of each split: standardised."""
    data = prepare(preset_of(task), lambda progress: None)
    found = {}
    for part in PARTS:
        split = getattr(data.splits, part)
        inputs = data.batch_encoding(split.inputs)
        assert isinstance(inputs, Tensor)
        found[f"{part}_inputs"], found[f"{part}_targets"] = inputs.flatten(1), split.targets
    return found


def write_task(task: Task, folder: Path) -> Path:
    """Writes the arrays, and task.json for the peers' scripts, which it returns."""
    np.savez(folder / "arrays.npz", allow_pickle=False, **{name: each.numpy() for name, each in arrays(task).items()})
    path = folder / "task.json"
    path.write_text(
        json.dumps(
            {
                "arrays": str(folder / "arrays.npz"),
                "outputs": task.outputs,
                "epochs": task.epochs,
                "space": task.space,
            }
        )
    )
    return path


def write_preset(task: Task, folder: Path) -> Path:
    """Writes the preset that workbench searches."""
    path = folder / f"{task.dataset}.toml"
    preset_of(task).save(path)
    return path


def described(task: Task) -> str:
    """The space in a line."""
    return "; ".join(f"{name} {toml(list(values))}" for name, values in task.space.items())
