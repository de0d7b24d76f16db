"""What a training step minimizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from workbench.data.inputs import Inputs
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
    counts_correct: bool = True
    """Whether targets are classes."""

    def forward(
        self, inputs: Inputs, targets: Tensor, model: Callable[[Inputs], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, a scalar, and the model's scores. model: in place of the objective's own."""
        with self.precision.autocast():
            scores = (self.model if model is None else model)(inputs)
        return self.loss(scores.float(), targets), scores

    def correct(self, scores: Tensor, targets: Tensor) -> Tensor:
        """How many samples have the highest score for their class; int64 scalar."""
        return (scores.detach().argmax(dim=1) == targets).sum()
