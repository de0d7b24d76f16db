"""Recognises that training has diverged: a loss or a weight that is not a finite number ends it with an explanation."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from workbench.errors import DivergedError, not_finite_in_words
from workbench.training.loss_log import StepLoss


class DivergenceCheck:
    """Raises DivergedError where something is not finite."""

    def __init__(self, model: nn.Module, what_is_kept: Callable[[], str]) -> None:
        """what_is_kept: says what is kept of the run."""
        self._model = model
        self._what_is_kept = what_is_kept

    def training_losses(self, losses: list[StepLoss], last_step: int) -> None:
        """Checks the losses of consecutive training steps up to `last_step`."""
        for step, loss in enumerate(losses, last_step - len(losses) + 1):
            if not math.isfinite(loss.loss):
                raise self._diverged("loss", step)

    def weights(self, step: int) -> None:
        """Checks the weights after a step: its loss was computed before it changed them."""
        if not self._weights_are_finite():
            raise self._diverged("weight", step)

    def evaluation_loss(self, what: str, loss: float, step: int) -> None:
        """Checks a loss on finite samples; only the weights say whether training has diverged. what: its name."""
        if math.isfinite(loss):
            return
        if self._weights_are_finite():
            raise self._diverged(what, step, "samples and weights are finite, but the model's output is not")
        raise self._diverged(what, step)

    def _weights_are_finite(self) -> bool:
        finite = [parameter.isfinite().all() for parameter in self._model.parameters()]
        finite += [~buffer.isnan().any() for buffer in self._model.buffers() if buffer.is_floating_point()]
        return bool(torch.stack(finite).all())

    def _diverged(self, what: str, step: int, why: str = "training has diverged") -> DivergedError:
        message = (
            f"{not_finite_in_words(what, step)} is not a finite number: {why}; {self._what_is_kept()}. Try a smaller "
            "optimizer.learning_rate, training.gradient_clip_norm = 1.0, or schedule.warmup_epochs = 1"
        )
        return DivergedError(message, what, step)
