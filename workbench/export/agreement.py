"""Compares what an export gives with what the run's checkpoint gives, in a process of its own, before it is done.

The process loads the export as its users do (see `readers`): one that is broken, or that works only beside the code
that made it, is never called done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from workbench.atomic_files import scratch_folder
from workbench.errors import WorkbenchError
from workbench.export.program import tensors_for
from workbench.export.samples import Raw
from workbench.training.checkpointing.trained_model import TrainedModel

READERS = Path(__file__).with_name("readers")
TOLERANCE = 1e-4
"""The most that a probability may differ; of a value, in deviations of the training split's targets."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class OutputAgreement:
    """How an export agrees with the checkpoint."""

    difference: float
    """The largest absolute one of a probability, or of a value in the data's own units."""
    same_classes: float | None
    """The fraction of predicted classes (of a language model, next tokens) that are the same; None for values."""
    wrong: str = ""
    """What differs by more than rounding does, in words; empty where they agree."""


class DisagreementError(WorkbenchError):
    """An export gives something other than the checkpoint, or cannot be run: it is not kept."""


def compare(trained: TrainedModel, kind: str, file: Path, batches: Sequence[Raw]) -> OutputAgreement:
    """Runs the batches through both. Raises DisagreementError, with what differs."""
    found = _outputs_of(kind, file, [named_arrays(trained, kind, batch) for batch in batches])
    agreement = judge([trained(batch).numpy() for batch in batches], found, trained)
    if agreement.wrong:
        raise DisagreementError(f"the {kind} export differs from the checkpoint and was not written: {agreement.wrong}")
    return agreement


def judge(expected: Sequence[Array], found: Sequence[Array], trained: TrainedModel) -> OutputAgreement:
    """Compares the outputs of the checkpoint and of the export, batch by batch."""
    largest, same, all_classes = 0.0, 0, 0
    wrong = ""
    for right, given in zip(expected, found, strict=True):
        if right.shape != given.shape:
            return OutputAgreement(float("inf"), None, f"its output has shape {given.shape} and not {right.shape}")
        differences = _differences(right.astype(np.float64), given.astype(np.float64))
        largest = max(largest, float(differences.max(initial=0.0)))
        if trained.target_scale is None:
            same += int((right.argmax(1) == given.argmax(1)).sum())
            all_classes += right.argmax(1).size
        if not wrong and bool((differences > _tolerances(right, trained)).any()):
            what = "probability" if trained.target_scale is None else "value"
            wrong = f"by up to {differences.max():.2g} of a {what} in a batch of {len(right)}"
    fraction = same / all_classes if all_classes else None
    if wrong and fraction is not None:
        wrong += f", and {same:,} of {all_classes:,} predicted classes are the same"
    return OutputAgreement(largest, fraction, wrong)


def _differences(right: Array, given: Array) -> Array:
    """Absolute differences: 0 where both are the same, NaN included, infinite where one alone is not finite."""
    with np.errstate(invalid="ignore"):
        differences: Array = np.abs(right - given)
    differences[(right == given) | (np.isnan(right) & np.isnan(given))] = 0.0
    differences[np.isnan(differences)] = np.inf
    return differences


def _tolerances(right: Array, trained: TrainedModel) -> Array | float:
    """How much rounding may change each number: that of a value grows with the score that it is made of."""
    scale = trained.target_scale
    if scale is None:
        return TOLERANCE
    deviations = scale.std.numpy()
    scores = np.abs((right - scale.mean.numpy()) / deviations).max(axis=0, initial=1.0)
    tolerances: Array = TOLERANCE * deviations * np.where(np.isfinite(scores), scores, 1.0)
    return tolerances


def named_arrays(trained: TrainedModel, kind: str, batch: Raw) -> dict[str, Array]:
    """A batch as arrays, by the names that `readers` says."""
    if kind != "safetensors":
        named: Mapping[str, Tensor] = tensors_for(trained, batch)
        return {
            "" if len(named) == 1 and not isinstance(batch, Mapping) else name: t.numpy() for name, t in named.items()
        }
    if isinstance(batch, list):
        return {"": np.frombuffer(json.dumps(batch).encode(), dtype=np.uint8)}
    if isinstance(batch, Tensor):
        return {"": batch.numpy()}
    return {name: tensor.numpy() for name, tensor in batch.items()}


def save_batches(file: Path, batches: Sequence[Mapping[str, Array]]) -> None:
    """Writes batches as `readers` reads them."""
    named: dict[str, Any] = {}
    for number, batch in enumerate(batches):
        named |= {f"{number}:{name}": array for name, array in batch.items()}
    np.savez(file, **named)


def _outputs_of(kind: str, file: Path, batches: Sequence[Mapping[str, Array]]) -> list[Array]:
    """What the export gives, loaded and run in a process of its own. Raises DisagreementError where it cannot be."""
    with scratch_folder("workbench-export-") as folder:
        inputs, outputs = folder / "batches.npz", folder / "outputs.npz"
        save_batches(inputs, batches)
        # -P: neither this script's folder nor the working folder is searched for modules.
        command = [sys.executable, "-P", str(READERS / f"of_{kind}.py"), str(file), str(inputs), str(outputs)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]
            last = last.replace(str(file), file.name)  # it lies where it is not going to stay
            raise DisagreementError(f"the {kind} export could not be loaded and run, and was not written: {last}")
        with np.load(outputs) as arrays:
            return [arrays[str(number)] for number in range(len(batches))]
