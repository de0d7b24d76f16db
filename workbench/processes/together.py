"""Which presets can be trained together, with stacked weights: those that differ only in numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.settings.model import ModuleModel
from workbench.settings.preset import Preset

OPTIMIZERS = ("sgd", "adam", "amsgrad", "adamw", "nadam", "adamax", "adagrad", "adadelta", "rmsprop")
"""Those whose update is written for stacked weights: a rate a model, which PyTorch's optimizers cannot have."""

FREE = frozenset(
    {
        "name",
        "description",
        "changes",
        "loss.label_smoothing",
        "model.dropout",
        "training.seed",
        "training.gradient_clip_norm",
        "training.early_stopping_patience",
        "training.early_stopping_min_delta",
        "training.checkpoint_seconds",
    }
)
"""Settings in which they may differ, besides the optimizer's numbers, the schedule and the validation's fold."""


@dataclass(frozen=True)
class Group:
    """Presets that can be trained together."""

    members: list[int]
    """Their numbers in the list that was grouped, ascending."""
    why_alone: str = ""
    """Why its only member cannot be stacked at all; empty where it can."""


def group(presets: Sequence[Preset]) -> list[Group]:
    """Sorts presets into those that can be trained together, in order of their first members.

    What only the data can tell comes later: folds of unequal sizes, samples that do not fit into memory.
    """
    together: dict[str, list[int]] = {}
    reasons: dict[int, str] = {}
    for number, preset in enumerate(presets):
        reasons[number] = why_alone(preset)
        key = f"alone {number}" if reasons[number] else key_of(preset)
        together.setdefault(key, []).append(number)
    return [Group(members, reasons[members[0]]) for members in together.values()]


def why_alone(preset: Preset) -> str:
    """Why a preset cannot be trained together with any other; empty where it can."""
    if isinstance(preset.model, ModuleModel):
        return "a model of your own may do what cannot be done for stacked weights"
    if preset.optimizer.label() not in OPTIMIZERS:
        return f"optimizer.name = {preset.optimizer.label()!r} is not written for stacked weights"
    if preset.runtime.precision not in ("float32", "tf32"):
        return f"runtime.precision = {preset.runtime.precision!r} is trained one by one"
    if preset.runtime.data_loading == "dataloader":
        return "samples that are read batch by batch are trained one by one"
    return ""


def only_numbers(paths: Iterable[str], preset: Preset) -> bool:
    """Whether presets that differ from this one in these settings alone can be trained together."""
    flat = preset.flat()
    return not why_alone(preset) and all(_may_differ(path, flat.get(path), preset) for path in paths)


def key_of(preset: Preset) -> str:
    """Equal for presets that can be trained together, where nothing keeps them alone."""
    flat = preset.flat()
    kept = {path: value for path, value in flat.items() if not _may_differ(path, value, preset)}
    # Without dropout the network has no such layers.
    kept["dropout"] = bool(flat.get("model.dropout"))
    return json.dumps(kept, sort_keys=True, default=str)


def _may_differ(path: str, value: Any, preset: Preset) -> bool:
    family = path.partition(".")[0]
    if family == "optimizer":
        return path != "optimizer.name" and not isinstance(value, bool)
    if family == "validation":
        # Balanced weights of classes follow from the training split.
        return getattr(preset.loss, "class_weights", "equal") != "balanced"
    return path in FREE or family == "schedule"
