"""Evaluating a model on a split that it does not train on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.samples import Task
from workbench.data.target_scale import TargetScale
from workbench.training.batches import BatchSource
from workbench.training.device import Precision
from workbench.training.metrics import classification_metrics, prediction_metrics, regression_metrics
from workbench.training.squashed import squashed_twice
from workbench.training.timing.clock import PhaseClock

if TYPE_CHECKING:
    from workbench.settings.loss import LossChoice, LossFunction

KEPT_SCORES = 2**28
"""Scores of a split that are kept together, 1 GiB of them: beyond, there is no ROC AUC, which needs all at once."""


def keeps_scores(samples: int, outputs: int) -> bool:
    """Whether a split's scores are few enough to be kept together."""
    return samples * outputs <= KEPT_SCORES


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
        choice: LossChoice,
        class_counts: Tensor | None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        """loss: what `choice` built of those class counts; warn: hears, once, what is wrong with the model's scores."""
        self._model = model
        self._loss = loss
        self._choice = choice
        self._class_counts = class_counts
        self._warn: Callable[[str], None] | None = warn
        self._precision = precision
        self._task = task
        self._target_scale = target_scale

    def evaluate(self, feed: BatchSource, interrupted: Callable[[], bool]) -> dict[str, Any] | None:
        """Loss (mean over samples) and metrics; None if `interrupted` said so between two batches."""
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.inference_mode():
                return self._evaluate(feed, interrupted)
        finally:
            self._model.train(was_training)

    def _evaluate(self, feed: BatchSource, interrupted: Callable[[], bool]) -> dict[str, Any] | None:
        seen: _Scores | _Predictions = _Scores(len(feed)) if self._keeps_scores(feed) else _Predictions(self._mean)
        for batch in feed.batches(torch.arange(len(feed)), PhaseClock()):
            if interrupted():
                return None
            with self._precision.autocast():
                scores = self._model(batch.inputs).float()
            self._look_at(scores)
            seen.add(scores, batch.targets)
        if isinstance(seen, _Predictions):
            return seen.metrics(self._task.outputs)
        all_scores, all_targets = seen.scores, seen.targets
        # Of all samples at once: with class weights, the mean of the batches' losses would be another number.
        loss = float(self._loss(all_scores, all_targets))  # where its class weights are
        if all_scores.device.type == "mps":
            all_scores, all_targets = all_scores.cpu(), all_targets.cpu()  # Metal has no float64, which metrics need
        return {"loss": loss} | self._metrics(all_scores, all_targets)

    def _look_at(self, scores: Tensor) -> None:
        """The first scores of all tell whether the model does what the loss does as well."""
        if self._warn is not None:
            advice = squashed_twice(scores, self._choice) if self._task.kind == "classification" else ""
            if advice:
                self._warn(advice)
            self._warn = None

    def _keeps_scores(self, feed: BatchSource) -> bool:
        return self._task.kind == "regression" or keeps_scores(len(feed), self._task.outputs)

    def _mean(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | int]:
        """A batch's mean loss, and what it counts for in the mean of all."""
        return self._loss(scores, targets), self._choice.batch_weight(targets, self._class_counts)

    def _metrics(self, scores: Tensor, targets: Tensor) -> dict[str, Any]:
        if self._task.kind == "classification":
            probabilities = scores.sigmoid() if self._choice.independent_classes else scores.softmax(dim=1)
            return classification_metrics(probabilities, targets)
        if self._target_scale is not None:
            scores, targets = self._target_scale.undo(scores), self._target_scale.undo(targets)
        return regression_metrics(scores, targets)


class _Scores:
    """All scores of a split, each batch written where it belongs: joining them in the end would take twice as much."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._filled = 0

    def add(self, scores: Tensor, targets: Tensor) -> None:
        if self._filled == 0:
            self.scores = scores.new_empty((self._samples, *scores.shape[1:]))
            self.targets = targets.new_empty((self._samples, *targets.shape[1:]))
        place = slice(self._filled, self._filled + len(scores))
        self.scores[place], self.targets[place] = scores, targets
        self._filled += len(scores)


class _Predictions:
    """What is left of scores that are too many to be kept: predicted classes, and the sum of the losses."""

    def __init__(self, mean: Callable[[Tensor, Tensor], tuple[Tensor, Tensor | int]]) -> None:
        self._mean = mean
        self._predictions: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._losses: list[Tensor] = []
        self._weights: list[Tensor | int] = []

    def add(self, scores: Tensor, targets: Tensor) -> None:
        loss, weight = self._mean(scores, targets)
        self._losses.append(loss * weight)
        self._weights.append(weight)
        self._predictions.append(scores.argmax(dim=1))
        self._targets.append(targets)

    def metrics(self, classes: int) -> dict[str, Any]:
        """Loss and metrics; ROC AUC is not known."""
        # On the host: Metal has no float64.
        loss = float(torch.stack(self._losses).cpu().double().sum()) / float(sum(self._weights))
        predictions, targets = torch.cat(self._predictions).cpu(), torch.cat(self._targets).cpu()
        return {"loss": loss} | prediction_metrics(predictions, targets, classes) | {"roc_auc": None}
