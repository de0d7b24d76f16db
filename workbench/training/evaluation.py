"""Evaluating a model on a split that it does not train on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.preparation import TargetScale
from workbench.data.samples import Task
from workbench.training.clock import PhaseClock
from workbench.training.device import Precision
from workbench.training.feeds import Feed
from workbench.training.metrics import classification_metrics, regression_metrics

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction


class Evaluator:
    """Measures the loss and the metrics of a model; the model is left in the mode it was in."""

    def __init__(
        self,
        model: nn.Module,
        loss: LossFunction,
        precision: Precision,
        task: Task,
        target_scale: TargetScale | None,
        *,
        independent_classes: bool,
    ) -> None:
        self._model = model
        self._loss = loss
        self._precision = precision
        self._task = task
        self._target_scale = target_scale
        self._independent_classes = independent_classes

    def evaluate(self, feed: Feed, interrupted: Callable[[], bool]) -> dict[str, Any] | None:
        """Loss (mean over samples) and metrics; None if `interrupted` said so between two batches."""
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.inference_mode():
                return self._evaluate(feed, interrupted)
        finally:
            self._model.train(was_training)

    def _evaluate(self, feed: Feed, interrupted: Callable[[], bool]) -> dict[str, Any] | None:
        scores: list[Tensor] = []
        targets: list[Tensor] = []
        for batch in feed.batches(torch.arange(len(feed)), PhaseClock()):
            if interrupted():
                return None
            with self._precision.autocast():
                scores.append(self._model(batch.inputs).float())
            targets.append(batch.targets)
        all_scores, all_targets = torch.cat(scores), torch.cat(targets)
        if all_scores.device.type == "mps":
            all_scores, all_targets = all_scores.cpu(), all_targets.cpu()  # Metal has no float64, which metrics need
        # Of all samples at once: with class weights, the mean of the batches' losses would be another number.
        loss = float(self._loss(all_scores, all_targets))
        return {"loss": loss} | self._metrics(all_scores, all_targets)

    def _metrics(self, scores: Tensor, targets: Tensor) -> dict[str, Any]:
        if self._task.kind == "classification":
            probabilities = scores.sigmoid() if self._independent_classes else scores.softmax(dim=1)
            return classification_metrics(probabilities, targets)
        if self._target_scale is not None:
            scores, targets = self._target_scale.undo(scores), self._target_scale.undo(targets)
        return regression_metrics(scores, targets)
