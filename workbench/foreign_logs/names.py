"""What the names in other programs' logs mean: of which split a metric is, and which numbers are no metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from workbench.metrics import BY_CLASS, METRICS

Kind = Literal["loss", "learning_rate", "epoch", "train", "validation", "test"]
SPLITS: dict[str, Kind] = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "eval": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
RATES = re.compile(r"(?:.*/)?(?:lr|learning_rate|learning-rate)(?:-\w+)?(?:/(?:pg1|0))?", re.IGNORECASE)
NO_METRICS = (
    "global_step",
    "runtime",
    "samples_per_second",
    "steps_per_second",
    "total_flos",
    "train_runtime",
    "model_preparation_time",
)
"""Ends of names of numbers that say nothing about the model."""
_DECLARED = {metric.name for metric in METRICS}


@dataclass(frozen=True)
class Meaning:
    """What a name stands for."""

    kind: Kind
    """loss: of training, at a step; train, validation, test: another metric of that split."""
    metric: str = ""
    counts: Literal["done", "from_0", ""] = ""
    """Of an epoch: whether it is how many are done, or the number of the present one from 0; empty if that is not
    known."""


@lru_cache(maxsize=10_000)
def meaning_of(name: str, loop: str) -> Meaning | None:
    """What a name stands for in the log of a kind of program; None if it is of no use here.

    loop: a key of `runs.own_loop.LOOPS`.
    """
    if RATES.fullmatch(name):
        return Meaning("learning_rate")
    if name == "train/epoch":  # transformers
        return Meaning("epoch", counts="done")
    if name == "epoch":
        return Meaning("epoch", counts="" if loop == "wandb" else "from_0")  # Lightning; in W&B anybody's
    if any(name.endswith(end) for end in NO_METRICS):
        return None
    split, metric = _split_of(name)
    if split in ("train", "") and metric.endswith("_step"):  # Lightning: of this step, beside the epoch's mean
        metric = metric.removesuffix("_step")
    lower = metric.lower()
    metric = lower if lower in _DECLARED else metric
    if metric == "loss" and split in ("train", ""):
        return Meaning("loss", "loss")
    if metric in BY_CLASS:
        metric = f"{metric}_score"  # under the plain name readers expect a list by class
    return Meaning(SPLITS.get(split, "train"), metric)


def metrics_of(values: Mapping[str, Any], kind: Kind, loop: str) -> dict[str, Any]:
    """The metrics of a split among values, by the names that they have here."""
    found = {}
    for name, value in values.items():
        meaning = meaning_of(name, loop)
        if meaning is not None and meaning.kind == kind:
            found[meaning.metric] = value
    return found


def _split_of(name: str) -> tuple[str, str]:
    """The word for the split, empty without one, and the rest of a name such as val/loss, loss/val or val_loss."""
    for mark in ("/", "_", "."):
        first, *between, last = name.split(mark) if mark in name else (name, "")
        for word, rest in ((first, [*between, last]), (last, [first, *between])):
            if word.lower() in SPLITS and any(rest):
                return word.lower(), mark.join(rest)
    return "", name
