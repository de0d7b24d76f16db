"""What several tests of the trainer share: a trainer of iris, its weights, and validations with chosen results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from workbench.data.task import SplitName
from workbench.training.batches import BatchSource
from workbench.training.checkpointing import files as checkpoints
from workbench.training.evaluation import Evaluator
from workbench.training.trainer import Trainer

CPU = torch.device("cpu")
ALONE = ("runtime.engine=eager", "runtime.measure=false")
"""For tests whose model or loss is watched or changed while it trains: a trace would not see that, and measuring calls
them as well."""
STEPS_PER_EPOCH = 7  # iris: 109 training samples in batches of 16

MakeTrainer = Callable[..., Trainer]


def weights(trainer: Trainer) -> Tensor:
    """All parameters in one vector, copied."""
    return torch.nn.utils.parameters_to_vector(trainer.job.model.parameters()).detach().clone()


def saved_weights(path: Path) -> dict[str, Tensor]:
    model: dict[str, Tensor] = checkpoints.load(path, CPU)["model"]
    return model


class Results:
    """Validations whose results a test chooses, and all evaluations in order."""

    def __init__(self, patch: pytest.MonkeyPatch, trainer: Trainer, monitored: list[float], name: str) -> None:
        self.trainer = trainer
        self.seen: list[str] = []
        self.weights: list[Tensor] = []
        self._values = iter(monitored)
        self._name = name
        genuine = Evaluator.evaluate

        def evaluate(
            evaluator: Evaluator, source: BatchSource, split: SplitName, interrupted: Callable[[], bool]
        ) -> dict[str, Any] | None:
            self.weights.append(weights(trainer))
            found = genuine(evaluator, source, split, interrupted)
            if source is trainer.job.test:
                self.seen.append("test")
                return found
            self.seen.append("validation")
            assert found is not None
            return found | {self._name: next(self._values)}

        patch.setattr(Evaluator, "evaluate", evaluate)
