"""Measures a trained model on samples with targets, as its run measured it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from workbench.data.progress import Meter, Report
from workbench.data.task import SplitName
from workbench.errors import DeviceError
from workbench.prediction.labelled_data import ALL, LabelledData, Part
from workbench.settings.preset import Preset
from workbench.training.batches import Batch, BatchSource
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.data_loading import evaluation_batches
from workbench.training.device import Precision
from workbench.training.evaluation import Evaluator
from workbench.training.timing.clock import PhaseClock

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction

SPLIT_NAMES: dict[str, SplitName] = {"train": "training", "validation": "validation", "test": "test", ALL: "training"}
"""The splits, as an evaluation calls them."""


def on_device(preset: Preset, device: torch.device) -> tuple[Preset, list[str]]:
    """The preset on a device that may be another one than that of the run: in float32 where it lacks the precision.

    Also what the user should know of that.
    """
    notes, changes = [], {"device": str(device)}
    try:
        Precision(preset.runtime.precision, device)
    except DeviceError:
        notes.append(f"computed in float32: {device} lacks {preset.runtime.precision}, in which the run was trained")
        changes["precision"] = "float32"
    if preset.runtime.data_loading == "on_device":  # where there is room
        changes["data_loading"] = "auto"
    return preset.override([f"runtime.{key}={value}" for key, value in changes.items()]), notes


class Measurement:
    """One model on one set of data."""

    def __init__(
        self,
        trained: TrainedModel,
        preset: Preset,
        device: torch.device,
        found: LabelledData,
        class_counts: list[int] | None = None,
    ) -> None:
        """preset: the run's, on this device. class_counts: of the run's training split; None for those of the data."""
        self._trained, self._preset, self._device, self._found = trained, preset, device, found
        self.task = replace(
            found.parts[0].data.task,
            outputs=int(trained.description["outputs"]),
            classes=trained.classes,
            bytes_per_token=_bytes_per_token(found.parts),
        )
        self._class_counts = self._counts(class_counts or found.class_counts)

    @property
    def loss_of_scores(self) -> LossFunction:
        """The run's loss, of the scores that `measure` gives."""
        # Metal has no float64, so that scores come to the host there.
        device = "cpu" if self._device.type == "mps" else self._device
        return self._preset.loss.build(None if self._class_counts is None else self._class_counts.to(device))

    def measure(self, keep: Callable[[Tensor, Tensor], None], report: Report = lambda _: None) -> dict[str, Any]:
        """The loss, the metrics and the numbers of each class. keep: as in `Evaluator.evaluate`."""
        trained, preset, device = self._trained, self._preset, self._device
        counts = None if self._class_counts is None else self._class_counts.to(device)
        evaluator = Evaluator(
            trained.model.to(device),
            preset.loss.build(counts),
            Precision(preset.runtime.precision, device),
            self.task,
            trained.target_scale,
            choice=preset.loss,
            class_counts=counts,
        )
        source = _Joined(self._sources(), report)
        try:
            metrics = evaluator.evaluate(source, SPLIT_NAMES[self._found.split], lambda: False, keep)
        finally:
            source.close()
        assert metrics is not None, "nothing interrupts"
        return metrics

    def _counts(self, known: list[int] | None) -> Tensor | None:
        """What the loss is built with, on the host, as in the run; None for numbers and tokens."""
        if self.task.kind != "classification":
            return None
        if known is not None and len(known) == self.task.outputs:
            return torch.tensor(known, dtype=torch.int64)
        return torch.ones(self.task.outputs, dtype=torch.int64)

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
