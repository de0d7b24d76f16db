"""Predicts the samples of a split of a run's own data, and measures them, exactly as the run did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from torch import Tensor

from workbench.data.progress import Report
from workbench.json_values import finite_or_none
from workbench.prediction.labelled_data import own_data
from workbench.prediction.measure import Measurement, on_device
from workbench.prediction.outputs import (
    Output,
    class_names,
    named_numbers,
    of_classes,
    of_numbers,
    of_windows,
    target_names,
)
from workbench.prediction.predictor import Prediction
from workbench.prediction.trained_on import TrainedOn
from workbench.processes.predict import SplitChoice
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.generation import Tokenizer

Emit = Callable[[Prediction], None]


@dataclass(frozen=True)
class SplitPredictions:
    """What is known of the predictions of a split."""

    metrics: dict[str, float | None]
    data_changes: str
    """How the data have changed since the run was trained; empty where they are the same, or it is not known."""
    notes: list[str]


def predict_split(
    model: TrainedModel,
    split: SplitChoice,
    last_checkpoint: Path | None,
    report: Report,
    emit: Emit,
    *,
    all_classes: bool,
) -> SplitPredictions:
    """Emits the prediction of each sample of a split, in its order, with its target; returns the metrics.

    last_checkpoint: the run's, which says what the data were; None where there is none. Raises DataError where there is
    no such split; and what `prepare` raises.
    """
    device = next(model.parameters()).device
    preset, device_notes = on_device(model.preset, device)
    found = own_data(model, preset, split, report)
    change, notes = TrainedOn.read(last_checkpoint).changes(model, found)
    [part] = found.parts
    rows = count(1)

    def keep(scores: Tensor, targets: Tensor) -> None:
        for output in _outputs(model, scores, targets, all_classes=all_classes):
            row = next(rows)
            origin = part.origin(row - 1)
            if model.task == "regression":
                output["target"] = named_numbers(part.target_values(row - 1), target_names(model))
            emit(Prediction({"input": split, "row": row} | ({"origin": origin} if origin else {}), output))

    measurement = Measurement(model, preset, device, found)
    metrics = measurement.measure(keep)
    names = ["loss", *(metric.name for metric in measurement.task.metrics)]
    known = finite_or_none({name: metrics[name] for name in names if name in metrics})
    return SplitPredictions(known, change, [*device_notes, *notes, *found.notes])


def _outputs(model: TrainedModel, scores: Tensor, targets: Tensor, *, all_classes: bool) -> list[Output]:
    """The outputs for a batch, as `Evaluator` gives it: raw scores of classes, or numbers in the data's own units.

    Those of numbers have no target: the numbers of a batch have been scaled and scaled back.
    """
    if model.task == "language_modeling":
        return of_windows(scores, targets, model.encoding if isinstance(model.encoding, Tokenizer) else None)
    if model.task == "regression":
        return of_numbers(scores, target_names(model))
    names = class_names(model)
    outputs = of_classes(model.preset.loss.probabilities(scores), names, all_classes=all_classes)
    return [output | {"target": names[number]} for output, number in zip(outputs, targets.tolist(), strict=True)]
