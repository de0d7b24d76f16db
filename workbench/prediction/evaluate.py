"""Evaluates the model of a run on its own data, as the run's test did, or on other data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.data.progress import Report
from workbench.json_values import finite_or_none
from workbench.prediction.calibration import CalibrationSums
from workbench.prediction.confusion import confused_pairs
from workbench.prediction.describe_samples import described
from workbench.prediction.labelled_data import LabelledData, other_data, own_data
from workbench.prediction.measure import Measurement, on_device
from workbench.prediction.outputs import class_names
from workbench.prediction.residuals import residuals_of
from workbench.prediction.sample_predictions import PredictionCollector, SamplePredictions
from workbench.prediction.trained_on import TrainedOn
from workbench.processes.evaluation import CONFIDENT, Evaluation, EvaluationRequest
from workbench.settings.data_choice import DataChoice
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.device import configure_torch, resolve_device
from workbench.units import counted

SEEN = "the run has these samples too, and was trained on most of them; without --data its test split is evaluated"


@dataclass(frozen=True)
class Evaluated:
    """A model, and what it predicts of the samples that it was evaluated on."""

    preset: Preset
    """The run's, on the device that was computed on."""
    device: torch.device
    trained: TrainedModel
    source: DataChoice
    """Of the samples."""
    found: LabelledData
    metrics: dict[str, Any]
    calibration: CalibrationSums
    predictions: SamplePredictions
    data_changes: str
    """How the run's own data have changed since; empty where they are the same or are not compared."""
    notes: list[str]
    """What the user should know of the device and of the data."""


def evaluate(request: EvaluationRequest, report: Report) -> Evaluation:
    """Reads the data, and measures the model on them. report: hears of what is read and evaluated.

    Raises DataError, PresetError, DeviceError, StorageError, UserCodeError or UntrustedCodeError.
    """
    return evaluation_of(evaluate_samples(request, report), request.worst)


def evaluate_samples(
    request: EvaluationRequest, report: Report, keep: Callable[[Tensor, Tensor], None] = lambda scores, targets: None
) -> Evaluated:
    """Predicts all samples. keep: gets the scores and targets of each batch, see `Evaluator.evaluate`.

    Raises what `evaluate` raises.
    """
    preset = Preset.from_toml(request.preset, "the run's preset")
    device = resolve_device(preset.runtime.device)
    preset, device_notes = on_device(preset, device)
    configure_torch(preset.runtime, device)
    trained = TrainedModel.load(Path(request.checkpoint))
    source, found = _read(request, trained, preset, report)
    change, seen = _compared(request, trained, found, is_own=request.data is None)
    measurement = Measurement(trained, preset, device, found, request.class_counts)
    collector = PredictionCollector(measurement.loss_of_scores, preset.loss.probabilities, trained.target_scale)

    def take(scores: Tensor, targets: Tensor) -> None:
        collector.add(scores, targets)
        keep(scores, targets)

    return Evaluated(
        preset=preset,
        device=device,
        trained=trained,
        source=source,
        found=found,
        metrics=measurement.measure(take, report),
        calibration=collector.calibration,
        predictions=collector.predictions(),
        data_changes=change,
        notes=[*device_notes, *seen, *found.notes],
    )


def evaluation_of(evaluated: Evaluated, worst: int = 0) -> Evaluation:
    """The answer to a request. worst: how many of the worst samples to list."""
    trained, found, predictions = evaluated.trained, evaluated.found, evaluated.predictions
    mistakes = predictions.confident_mistakes(worst, CONFIDENT)
    has_classes = trained.task == "classification"
    is_number = trained.task == "regression"
    monitor = str(evaluated.preset.training.monitor)
    calibration = evaluated.calibration
    return Evaluation(
        weights=_weights(trained),
        data=_named(evaluated.source),
        split=found.split,
        samples=len(predictions.losses),
        device=str(evaluated.device),
        task=trained.task,
        learns=found.parts[0].data.learns,
        monitor=found.parts[0].data.task.default_monitor if monitor == "auto" else monitor,
        classes=list(trained.classes),
        metrics=finite_or_none(evaluated.metrics),
        calibration=None if is_number else calibration.calibration(),
        confident_mistakes=None if is_number else calibration.confident_mistakes(),
        confused=confused_pairs(predictions.predicted, predictions.true, class_names(trained)) if has_classes else [],
        residuals=residuals_of(predictions.predicted, predictions.true, trained.targets) if is_number else [],
        worst=[described(each, predictions, found.parts, trained) for each in predictions.worst(worst)],
        confident=[described(each, predictions, found.parts, trained) for each in mistakes],
        data_changes=evaluated.data_changes,
        notes=[
            *evaluated.notes,
            *_probability_notes(evaluated.preset, trained.task),
            *_finite_notes(predictions),
        ],
    )


def _weights(trained: TrainedModel) -> str:
    """Which weights these are, in words."""
    if trained.epoch is not None:
        return f"best epoch {trained.epoch:,}"
    done = trained.epochs_done
    return "last checkpoint" if done is None else f"last checkpoint, after {counted(done, 'epoch')}"


def _read(
    request: EvaluationRequest, trained: TrainedModel, preset: Preset, report: Report
) -> tuple[DataChoice, LabelledData]:
    """The source of the data, and what it gives."""
    if request.data is None:
        return preset.data, own_data(trained, preset, request.split, report)
    source = Preset.from_toml(request.data, "the preset of the data").data
    there = source.model_copy(update={"batch_size": preset.data.batch_size})
    return source, other_data(trained, preset.model_copy(update={"data": there}), request.split, report)


def _compared(
    request: EvaluationRequest, trained: TrainedModel, found: LabelledData, *, is_own: bool
) -> tuple[str, list[str]]:
    """How the run's own data have changed since; and what the user should know of the data."""
    trained_on = TrainedOn.read(Path(request.last_checkpoint) if request.last_checkpoint else None)
    if is_own:
        return trained_on.changes(trained, found)
    return "", [SEEN] if trained_on.has(found) else []


def _named(source: DataChoice) -> str:
    """The name of a source, and its file or folder."""
    place = getattr(source, "file", "") or getattr(source, "folder", "") or getattr(source, "function", "")
    return f"{source.label()} {place}" if place else source.label()


def _probability_notes(preset: Preset, task: str) -> list[str]:
    if task == "regression" or preset.loss.own_activation:
        return []
    return [
        f"loss.name = {preset.loss.label()!r} trains no probabilities: those shown are the softmax of the scores, and "
        "are not calibrated"
    ]


def _finite_notes(predictions: SamplePredictions) -> list[str]:
    broken = int((~predictions.losses.isfinite()).sum())
    if not broken:
        return []
    have = "has" if broken == 1 else "have"
    return [f"{counted(broken, 'sample')} {have} a loss that is not finite: far from all that the model was trained on"]
