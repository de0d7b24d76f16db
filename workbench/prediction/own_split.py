"""Predicts the samples of a split of a run's own data, and measures them, exactly as the run did."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import torch
from torch import Tensor

from workbench.data.progress import Report
from workbench.data.task import SplitName
from workbench.errors import DeviceError
from workbench.prediction.answers import (
    Answer,
    class_names,
    named_numbers,
    of_classes,
    of_numbers,
    of_windows,
    target_names,
)
from workbench.prediction.labelled_data import own_data
from workbench.prediction.predictor import Prediction
from workbench.processes.predict import SplitChoice
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.training.checkpointing import course
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import CPU, TrainedModel
from workbench.training.data_loading import evaluation_batches
from workbench.training.device import Precision
from workbench.training.evaluation import Evaluator
from workbench.training.generation import Tokenizer

Emit = Callable[[Prediction], None]

LONG_NAMES: dict[str, SplitName] = {"train": "training", "validation": "validation", "test": "test"}
"""The splits, as an evaluation calls them."""


def predict_split(
    model: TrainedModel, split: SplitChoice, run: RunDirectory | None, report: Report, emit: Emit, *, all_classes: bool
) -> dict[str, float | None]:
    """Emits the prediction of each sample of a split, in its order, with its target; returns the metrics.

    run: whose last checkpoint says what the data was; None where there is none. Raises DataError where there is no such
    split, or where the data has changed since; and what `prepare` raises.
    """
    device = next(model.parameters()).device
    preset = _on_device(model.preset, device)
    found = own_data(model, preset, split, report)
    if run is not None and run.last_checkpoint.exists():
        course.check_data(checkpoints.load(run.last_checkpoint, CPU).get("data"), found.digests(), run)
    [part] = found.parts
    data, rows = part.data, count(1)
    task = replace(data.task, classes=model.classes)
    counts = data.class_counts
    if task.kind == "classification" and counts is None:  # as `assemble` has it
        counts = torch.ones(task.outputs, dtype=torch.int64)
    counts = None if counts is None else counts.to(device)
    evaluator = Evaluator(
        model.model,
        preset.loss.build(counts),
        Precision(preset.runtime.precision, device),
        task,
        model.target_scale,
        choice=preset.loss,
        class_counts=counts,
    )

    def keep(scores: Tensor, targets: Tensor) -> None:
        for answer in _answers(model, scores, targets, all_classes=all_classes):
            row = next(rows)
            origin = part.origin(row - 1)
            emit(Prediction({"input": split, "row": row} | ({"origin": origin} if origin else {}), answer))

    encoding = copy.deepcopy(data.batch_encoding).to(device)
    source = evaluation_batches(preset, data.splits, part.split, encoding, data.samples.collate, device)
    try:
        metrics = evaluator.evaluate(source, LONG_NAMES[split], lambda: False, keep)
    finally:
        source.close()
    assert metrics is not None, "it is never interrupted"
    names = ["loss", *(metric.name for metric in task.metrics)]
    return {name: _finite(metrics[name]) for name in names if name in metrics}


def _finite(value: float | None) -> float | None:
    """The number; None for NaN and infinity, which JSON lacks."""
    return value if value is not None and math.isfinite(value) else None


def _on_device(preset: Preset, device: torch.device) -> Preset:
    """The preset on a device that may be another one than that of the run: in float32 where it lacks the precision."""
    changes = [f"runtime.device={device}"]
    if preset.runtime.data_loading == "on_device":  # where there is room
        changes.append("runtime.data_loading=auto")
    try:
        Precision(preset.runtime.precision, device)
    except DeviceError:
        changes.append("runtime.precision=float32")
    return preset.override(changes)


def _answers(model: TrainedModel, scores: Tensor, targets: Tensor, *, all_classes: bool) -> list[Answer]:
    """The answers for a batch, as `Evaluator` gives it: raw scores of classes, or numbers in the data's own units."""
    if model.task == "language_modeling":
        return of_windows(scores, targets, model.encoding if isinstance(model.encoding, Tokenizer) else None)
    if model.task == "classification":
        names = class_names(model)
        answers = of_classes(model.preset.loss.probabilities(scores), names, all_classes=all_classes)
        expected: list[Any] = [names[number] for number in targets.tolist()]
    else:
        names = target_names(model)
        answers = of_numbers(scores, names)
        expected = [named_numbers(row, names) for row in targets.tolist()]
    return [answer | {"target": target} for answer, target in zip(answers, expected, strict=True)]
