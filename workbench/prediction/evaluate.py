"""Evaluates the model of a run on its own data, as the run's test did, or on other data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.data.progress import Report
from workbench.errors import DamagedCheckpointError, DataError
from workbench.prediction.answers import class_names
from workbench.prediction.confusion import confused_pairs
from workbench.prediction.describe_samples import described
from workbench.prediction.labelled_data import ALL, LabelledData, other_data, own_data
from workbench.prediction.measure import Measurement, finite, on_device
from workbench.prediction.residuals import residuals_of
from workbench.prediction.verdicts import VerdictCollector, Verdicts
from workbench.processes.evaluation import CONFIDENT, Evaluation, EvaluationRequest
from workbench.settings.data import Csv
from workbench.settings.data_choice import DataChoice
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.course import data_change
from workbench.training.checkpointing.trained_model import CPU, TrainedModel
from workbench.training.device import configure_torch, resolve_device
from workbench.units import counted


def evaluate(request: EvaluationRequest, report: Report) -> Evaluation:
    """Reads the data, and measures the model on them. report: hears of what is read and evaluated.

    Raises DataError, PresetError, DeviceError, StorageError, UserCodeError or UntrustedCodeError.
    """
    preset = Preset.from_toml(request.preset, "the run's preset")
    device = resolve_device(preset.runtime.device)
    preset, device_notes = on_device(preset, device)
    configure_torch(preset.runtime, device)
    trained = TrainedModel.load(Path(request.checkpoint))
    source, found = _read(request, trained, preset, report)
    is_own = request.data is None
    change, seen = (_data_changes(request, trained, found), []) if is_own else ("", _seen_notes(request, found))
    measurement = Measurement(trained, preset, device, found, request.class_counts)
    collector = VerdictCollector(measurement.loss_of_scores, preset.loss.probabilities, trained.target_scale)
    metrics = measurement.measure(collector.add, report)
    verdicts = collector.verdicts()
    mistakes = verdicts.confident_mistakes(request.worst, CONFIDENT)
    has_classes = trained.task == "classification"
    is_number = trained.task == "regression"
    monitor = str(preset.training.monitor)
    return Evaluation(
        weights=f"best epoch {trained.epoch:,}" if trained.epoch is not None else "last checkpoint",
        data=_named(source),
        split=found.split,
        samples=len(verdicts.losses),
        device=str(device),
        task=trained.task,
        learns=found.parts[0].data.learns,
        monitor=found.parts[0].data.task.default_monitor if monitor == "auto" else monitor,
        classes=list(trained.classes),
        metrics=finite(metrics),
        calibration=None if is_number else collector.calibration.calibration(),
        confident_mistakes=None if is_number else collector.calibration.confident_mistakes(),
        confused=confused_pairs(verdicts.predicted, verdicts.true, class_names(trained)) if has_classes else [],
        residuals=residuals_of(verdicts.predicted, verdicts.true, trained.targets) if is_number else [],
        worst=[described(each, verdicts, found.parts, trained) for each in verdicts.worst(request.worst)],
        confident=[described(each, verdicts, found.parts, trained) for each in mistakes],
        data_changes=change,
        notes=[*device_notes, *seen, *found.notes, *_probability_notes(preset, trained.task), *_finite_notes(verdicts)],
    )


def _read(
    request: EvaluationRequest, trained: TrainedModel, preset: Preset, report: Report
) -> tuple[DataChoice, LabelledData]:
    """The source of the data, and what it gives."""
    if request.data is None:
        return preset.data, own_data(trained, preset, request.split, report)
    source = Preset.from_toml(request.data, "the preset of the data").data
    there = source.model_copy(update={"batch_size": preset.data.batch_size})
    return source, other_data(trained, preset.model_copy(update={"data": there}), request.split, report)


def _data_changes(request: EvaluationRequest, trained: TrainedModel, found: LabelledData) -> str:
    """How the run's data have changed since its last checkpoint; empty where they are the same, or it is not known.

    Raises DataError where they cannot be read as those were.
    """
    change = data_change(_trained_on(request), found.digests())
    if change and trained.reader is None and isinstance(trained.preset.data, Csv):
        raise DataError(
            f"the data of the run have changed since ({change}), and its checkpoint was written by an earlier version, "
            "which did not keep the columns and categories of its table: train the model again with its preset"
        )
    return change


def _seen_notes(request: EvaluationRequest, found: LabelledData) -> list[str]:
    """Says where other data are the very samples that the run was trained on."""
    before = _trained_on(request).get("training")
    now = found.digests()["training"]
    if found.split not in (ALL, "train") or not isinstance(before, dict) or not now["inputs"]:
        return []
    is_same_text = bool(now.get("text")) and before.get("text") == now["text"]
    if not is_same_text and (before.get("samples"), before.get("inputs")) != (now["samples"], now["inputs"]):
        return []
    return [
        "the run has these samples too, and was trained on most of them; without --data its test split is evaluated"
    ]


def _trained_on(request: EvaluationRequest) -> Mapping[str, Any]:
    """Digests of the run's data; empty where its last checkpoint is not there, or does not say."""
    try:
        saved = checkpoints.load(Path(request.last_checkpoint), CPU).get("data") if request.last_checkpoint else None
    except DamagedCheckpointError:
        return {}
    return saved if isinstance(saved, dict) else {}


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


def _finite_notes(verdicts: Verdicts) -> list[str]:
    broken = int((~verdicts.losses.isfinite()).sum())
    if not broken:
        return []
    have = "has" if broken == 1 else "have"
    return [f"{counted(broken, 'sample')} {have} a loss that is not finite: far from all that the model was trained on"]
