"""How far a training is: all of it goes into a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Position:
    """What the trainer must know to go on, beside the states of model, optimizer, schedule and random generators."""

    learning_rate: float
    """Of the last step done, before the schedule's factor, as of the checkpoint: what preset.toml must agree with."""
    step: int = 0
    """Optimizer steps done."""
    epoch: int = 0
    """Epochs completed, validation included."""
    samples_done: int = 0
    """Samples of the current epoch that have been trained on."""
    loss_sum: float = 0.0
    """Over the samples of the current epoch whose losses were read."""
    loss_samples: int = 0
    best_value: float | None = None
    best_epoch: int | None = None
    best_validation: dict[str, Any] | None = None
    """Metrics of the best epoch."""
    bad_validations: int = 0
    """Since the best one."""
    epoch_began: float = 0.0
    """Training seconds before the current epoch."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Spent on train, validate, checkpoint, profile, paused, test."""
