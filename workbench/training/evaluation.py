"""Evaluates a model on a split that it is not trained on, batch by batch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.samples import Task
from workbench.data.target_scale import TargetScale
from workbench.data.task import SplitName
from workbench.training.accumulators import MeanLoss, SplitFacts, on_host_without_float64
from workbench.training.batches import BatchSource
from workbench.training.device import Precision
from workbench.training.metrics import SplitMetrics
from workbench.training.squashed import squashed_twice
from workbench.training.timing.clock import PhaseClock

if TYPE_CHECKING:
    from workbench.settings.loss import LossChoice, LossFunction

KEPT_SCORES = 2**28
"""Most scores of a split that are kept at once, 1 GiB of float32. With more there is no ROC AUC, which needs them."""


def keeps_scores(samples: int, outputs: int) -> bool:
    """Whether the scores of a split are few enough to be kept at once."""
    return samples * outputs <= KEPT_SCORES


class Evaluator:
    """Measures the loss and the metrics of a model, and leaves the model in the mode it was in."""

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
        """loss: built by `choice` from these class counts; warn: called at most once, with a fault of the scores."""
        self._model = model
        self._loss = loss
        self._choice = choice
        self._class_counts = class_counts
        self._warn: Callable[[str], None] | None = warn
        self._precision = precision
        self._task = task
        self._target_scale = target_scale
        self._scale_there: TargetScale | None = None
        """The same scale on the device: copied once, because each batch would have to wait for a copy of its own."""

    def evaluate(
        self,
        source: BatchSource,
        split: SplitName,
        interrupted: Callable[[], bool],
        keep: Callable[[Tensor, Tensor], None] | None = None,
    ) -> dict[str, Any] | None:
        """The loss (mean over samples, or over tokens), the task's metrics and the numbers of each class.

        split: the one that the source reads; those of a text differ in bytes per token. interrupted: asked before
        each batch; if it returns True, nothing is measured and the result is None. keep: takes the scores and targets
        of each batch, as `SplitMetrics.update` does.
        """
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.inference_mode():
                return self._evaluate(source, split, interrupted, keep)
        finally:
            self._model.train(was_training)

    def _evaluate(
        self,
        source: BatchSource,
        split: SplitName,
        interrupted: Callable[[], bool],
        keep: Callable[[Tensor, Tensor], None] | None,
    ) -> dict[str, Any] | None:
        loss = MeanLoss(self._loss, self._choice.batch_weight(self._class_counts))
        metrics = split_metrics(
            self._task, self._choice, len(source), bytes_per_token=self._task.bytes_per_token_of(split)
        )
        for batch in source.batches(torch.arange(len(source)), PhaseClock()):
            if interrupted():
                return None
            with self._precision.autocast():
                scores = self._model(batch.inputs).float()
            self._check(scores)
            loss.update(scores, batch.targets)
            answers = self._in_own_units(scores, batch.targets)
            metrics.update(*answers)
            if keep is not None:
                keep(*answers)
        return {"loss": loss.compute()} | metrics.compute()

    def _check(self, scores: Tensor) -> None:
        """Warns, at the first batch of all, where the model applies what the loss applies as well."""
        if self._warn is not None:
            if advice := squashed_twice(scores, self._choice):
                self._warn(advice)
            self._warn = None

    def _in_own_units(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted numbers and targets in the data's own units; scores of classes as they are."""
        scores, targets = on_host_without_float64(scores), on_host_without_float64(targets)
        if self._target_scale is None:
            return scores, targets
        if self._scale_there is None:
            self._scale_there = copy.deepcopy(self._target_scale).to(scores.device)
        return self._scale_there.undo(scores), self._scale_there.undo(targets)


def split_metrics(task: Task, loss: LossChoice, samples: int, *, bytes_per_token: float | None = None) -> SplitMetrics:
    """Accumulates all metrics of a task but the loss, on a split with this many samples.

    bytes_per_token: of the split's text; without them there are no bits per byte.
    """
    split = SplitFacts(samples, task.outputs, loss.probabilities, bytes_per_token)
    return SplitMetrics(task.metrics, split, keeps_scores=keeps_scores(samples, task.outputs))
