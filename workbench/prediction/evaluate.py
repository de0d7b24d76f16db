"""Evaluates the model of a run on its own data, as the run's test did, or on other data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.data.progress import Meter, Report
from workbench.data.task import SplitName
from workbench.data.words import number
from workbench.errors import DamagedCheckpointError, DataError, DeviceError
from workbench.prediction.answers import class_names
from workbench.prediction.confusion import confused_pairs
from workbench.prediction.describe_samples import described, finite_or_none
from workbench.prediction.labelled_data import ALL, LabelledData, Part, other_data, own_data
from workbench.prediction.residuals import residuals_of
from workbench.prediction.verdicts import VerdictCollector, Verdicts
from workbench.processes.evaluation import CONFIDENT, Evaluation, EvaluationRequest
from workbench.settings.data import Csv
from workbench.settings.data_choice import DataChoice
from workbench.settings.preset import Preset
from workbench.training.batches import Batch, BatchSource
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.course import data_change
from workbench.training.checkpointing.trained_model import CPU, TrainedModel
from workbench.training.data_loading import evaluation_batches
from workbench.training.device import Precision, configure_torch, resolve_device
from workbench.training.evaluation import Evaluator
from workbench.training.timing.clock import PhaseClock

SPLIT_NAMES: dict[str, SplitName] = {"train": "training", "validation": "validation", "test": "test", ALL: "training"}


def evaluate(request: EvaluationRequest, report: Report) -> Evaluation:
    """Reads the data, and measures the model on them. report: hears of what is read and evaluated.

    Raises DataError, PresetError, DeviceError, StorageError, UserCodeError or UntrustedCodeError.
    """
    preset = Preset.from_toml(request.preset, "the run's preset")
    device = resolve_device(preset.runtime.device)
    preset, device_notes = _fitting(preset, device)
    configure_torch(preset.runtime, device)
    trained = TrainedModel.load(Path(request.checkpoint))
    source, found = _read(request, trained, preset, report)
    is_own = request.data is None
    change, seen = (_data_changes(request, trained, found), []) if is_own else ("", _seen_notes(request, found))
    metrics, collector = _Evaluation(trained, preset, device, found).measure(request.class_counts, report)
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


def _fitting(preset: Preset, device: torch.device) -> tuple[Preset, list[str]]:
    """The preset in a precision that the device has, which may be another one than that of the run; and notes."""
    runtime, notes = preset.runtime, []
    try:
        Precision(runtime.precision, device)
    except DeviceError:
        notes.append(f"computed in float32: {device} lacks {runtime.precision}, in which the run was trained")
        runtime = runtime.model_copy(update={"precision": "float32"})
    if runtime.data_loading == "on_device":  # where there is room
        runtime = runtime.model_copy(update={"data_loading": "auto"})
    return preset.model_copy(update={"runtime": runtime}), notes


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
    return [f"{number(broken, 'sample')} {have} a loss that is not finite: far from all that the model was trained on"]


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """Metrics, with None for what is not a finite number."""
    return {name: finite_or_none(value) if isinstance(value, float) else value for name, value in values.items()}


class _Evaluation:
    """One model on one set of data."""

    def __init__(self, trained: TrainedModel, preset: Preset, device: torch.device, found: LabelledData) -> None:
        self._trained, self._preset, self._device, self._found = trained, preset, device, found
        first = found.parts[0].data
        self._task = replace(
            first.task,
            outputs=int(trained.description["outputs"]),
            classes=trained.classes,
            bytes_per_token=_bytes_per_token(found.parts),
        )

    def measure(self, class_counts: list[int] | None, report: Report) -> tuple[dict[str, Any], VerdictCollector]:
        """The metrics, and what the model predicts of each sample.

        class_counts: of the run's training split, where they are known.
        """
        trained, preset, device = self._trained, self._preset, self._device
        counts = self._class_counts(class_counts or self._found.class_counts)
        there = None if counts is None else counts.to(device)
        model = trained.model.to(device)
        evaluator = Evaluator(
            model,
            preset.loss.build(there),
            Precision(preset.runtime.precision, device),
            self._task,
            trained.target_scale,
            choice=preset.loss,
            class_counts=there,
        )
        # Metal has no float64, so that scores come to the host there.
        of_each = preset.loss.build(counts if device.type == "mps" else there)
        collector = VerdictCollector(of_each, preset.loss.probabilities, trained.target_scale)
        source = _Joined(self._sources(), report)
        try:
            metrics = evaluator.evaluate(source, self._split_name, lambda: False, collector.add)
        finally:
            source.close()
        assert metrics is not None, "nothing interrupts"
        return metrics, collector

    @property
    def _split_name(self) -> SplitName:
        return SPLIT_NAMES[self._found.split]

    def _class_counts(self, known: list[int] | None) -> Tensor | None:
        """What the loss is built with, on the host, as in the run; None for numbers and tokens."""
        if self._task.kind != "classification":
            return None
        if known is not None and len(known) == self._task.outputs:
            return torch.tensor(known, dtype=torch.int64)
        return torch.ones(self._task.outputs, dtype=torch.int64)

    def _sources(self) -> list[BatchSource]:
        return [
            evaluation_batches(
                self._preset,
                part.data.splits,
                part.split,
                copy.deepcopy(part.data.batch_encoding).to(self._device),
                part.data.samples.collate,
                self._device,
            )
            for part in self._found.parts
        ]


class _Joined:
    """Batches of several sources, one source after the other, in order."""

    name = "joined"

    def __init__(self, sources: list[BatchSource], report: Report) -> None:
        self._sources = sources
        self._meter = Meter(report, "evaluating", len(self), "samples")
        self.batch_size = sources[0].batch_size
        self.resident_bytes = sum(source.resident_bytes for source in sources)

    def __len__(self) -> int:
        return sum(map(len, self._sources))

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        """order: all samples in order, as an evaluation reads them."""
        for source in self._sources:
            for batch in source.batches(torch.arange(len(source)), clock):
                yield batch
                self._meter.add(len(batch))
        self._meter.finish()

    def sample(self, count: int) -> Batch | None:
        return self._sources[0].sample(count)

    def close(self) -> None:
        for source in self._sources:
            source.close()


def _bytes_per_token(parts: list[Part]) -> float | None:
    """Of a text to be continued, over all parts; None where that of one is not known."""
    found = [(part.data.task.bytes_per_token_of(SPLIT_NAMES[part.name]), len(part.split)) for part in parts]
    if any(each is None for each, _ in found):
        return None
    if len(found) == 1:
        return found[0][0]
    return sum((each or 0.0) * samples for each, samples in found) / sum(samples for _, samples in found)
