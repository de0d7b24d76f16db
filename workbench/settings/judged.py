"""What the trainings of a preset are judged by, as far as its settings say it, and which of them change that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.metrics import TaskKind, metric
from workbench.settings.data import ModuleData
from workbench.settings.loss import REGRESSION, losses_for
from workbench.settings.preset import Preset
from workbench.settings.text_model import TokenModel

LOSS = "loss"


def decides_loss(path: str) -> bool:
    """Whether values of the loss are on another scale where this setting is another, so that they do not compare."""
    return path.startswith("loss.") or path == "data.normalize_target"


def loss_scale(preset: Preset) -> dict[str, Any]:
    """The settings that must be the same for two losses to be comparable, by path."""
    return {path: value for path, value in preset.flat().items() if decides_loss(path)}


def task_of(preset: Preset, losses: Sequence[str] = ()) -> TaskKind | None:
    """Whether classes or numbers are predicted; None where only the data's samples say it.

    losses: that may be chosen beside the preset's own.
    """
    if preset.data.predicts is not None:
        return preset.data.predicts
    if (task := metric(preset.training.monitor).task) is not None:
        return task
    if isinstance(preset.data, ModuleData) and isinstance(preset.model, TokenModel) and preset.model.can_be_causal:
        return None
    of_numbers = losses_for(REGRESSION)
    return None if all(label in of_numbers for label in (preset.loss.name, *losses)) else "classification"


def may_be_judged_by_loss(preset: Preset, losses: Sequence[str] = ()) -> bool:
    """Whether the best epoch is, or may be, that of the lowest loss. losses: as for `task_of`."""
    monitor = preset.training.monitor
    return monitor == LOSS or (monitor == "auto" and task_of(preset, losses) != "classification")


WHICH_DATA = ("name", "file", "folder", "function", "arguments", "target", "task", "text", "audio")
"""Settings of the data that say which samples there are and what is predicted of them, not how they are encoded."""


def is_same_data(preset: Preset, other: Preset) -> bool:
    """Whether two presets train on the same samples to predict the same, so that their curves can be compared."""
    return all(getattr(preset.data, key, None) == getattr(other.data, key, None) for key in WHICH_DATA)
