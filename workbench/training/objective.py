"""What a training step minimizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from workbench.data.inputs import Inputs
from workbench.data.task import Correct, correct_classes
from workbench.training.device import Precision

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction


def trained_parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The parameters that an optimizer changes, in its order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


@dataclass(frozen=True)
class Objective:
    """What a step minimizes: the loss of a model."""

    model: nn.Module
    loss: LossFunction
    precision: Precision
    parameters: Sequence[nn.Parameter]
    """Those that are trained, in the optimizer's order."""
    count_correct: Correct | None = correct_classes
    """Counts the correct answers of a batch; None where the task has none."""

    @property
    def counts_correct(self) -> bool:
        """Whether correct answers are counted."""
        return self.count_correct is not None

    def forward(
        self, inputs: Inputs, targets: Tensor, model: Callable[[Inputs], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, a scalar, and the model's scores. model: in place of the objective's own."""
        with self.precision.autocast():
            scores = (self.model if model is None else model)(inputs)
        return self.loss(scores.float(), targets), scores

    def correct(self, scores: Tensor, targets: Tensor) -> Tensor:
        """How many samples are answered correctly, int64 scalar. Only where `counts_correct` is true."""
        assert self.count_correct is not None
        return self.count_correct(scores.detach(), targets)
