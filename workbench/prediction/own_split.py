"""Predicts the samples of a split of a run's own data, and measures them, exactly as the run did."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from torch import Tensor

from workbench.data.progress import Report
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
from workbench.prediction.measure import Measurement, finite, on_device
from workbench.prediction.predictor import Prediction
from workbench.processes.predict import SplitChoice
from workbench.runs.directory import RunDirectory
from workbench.training.checkpointing import course
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import CPU, TrainedModel
from workbench.training.generation import Tokenizer

Emit = Callable[[Prediction], None]


def predict_split(
    model: TrainedModel, split: SplitChoice, run: RunDirectory | None, report: Report, emit: Emit, *, all_classes: bool
) -> dict[str, float | None]:
    """Emits the prediction of each sample of a split, in its order, with its target; returns the metrics.

    run: whose last checkpoint says what the data was; None where there is none. Raises DataError where there is no such
    split, or where the data has changed since; and what `prepare` raises.
    """
    device = next(model.parameters()).device
    preset, _ = on_device(model.preset, device)
    found = own_data(model, preset, split, report)
    if run is not None and run.last_checkpoint.exists():
        course.check_data(checkpoints.load(run.last_checkpoint, CPU).get("data"), found.digests(), run)
    [part] = found.parts
    rows = count(1)

    def keep(scores: Tensor, targets: Tensor) -> None:
        for answer in _answers(model, scores, targets, all_classes=all_classes):
            row = next(rows)
            origin = part.origin(row - 1)
            emit(Prediction({"input": split, "row": row} | ({"origin": origin} if origin else {}), answer))

    measurement = Measurement(model, preset, device, found)
    metrics = measurement.measure(keep)
    names = ["loss", *(metric.name for metric in measurement.task.metrics)]
    return finite({name: metrics[name] for name in names if name in metrics})


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
