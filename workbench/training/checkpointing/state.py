"""How far training has come: all of it goes into a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.runs.typed import taken

_RENAMED = {
    "learning_rate": "base_learning_rate",
    "bad_validations": "validations_since_best",
    "epoch_began": "seconds_before_epoch",
}
"""Fields that have another name in checkpoints of older versions: old, new."""


@dataclass
class TrainingState:
    """What the trainer needs to continue, beside the states of model, optimizer, schedule and random generators."""

    base_learning_rate: float
    """Of the last step done, before the schedule's factor; set at a checkpoint. preset.toml must agree with it."""
    step: int = 0
    """Optimizer steps done."""
    epoch: int = 0
    """Epochs completed, validation included."""
    samples_done: int = 0
    """Samples of the current epoch that have been trained on."""
    correct: int = 0
    """Of those, how many were classified correctly; set at a checkpoint."""
    loss_sum: float = 0.0
    """Over the samples of the current epoch whose losses were read."""
    loss_samples: int = 0
    """How many these are."""
    best_value: float | None = None
    best_epoch: int | None = None
    best_validation: dict[str, Any] | None = None
    """Metrics of the best epoch."""
    validations_since_best: int = 0
    seconds_before_epoch: float = 0.0
    """Training time before the current epoch."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Time spent by category, see `TimeAccount`; set at a checkpoint."""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> TrainingState:
        """The state in a checkpoint, also of an older version. Raises TypeError where values have a wrong type."""
        if not isinstance(values, Mapping):
            raise TypeError
        return taken(cls, {_RENAMED.get(name, name): value for name, value in values.items()})
