"""Measures one contender of a comparison on samples that it is not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.training.accumulators import ClassCounts
from workbench.training.job import Job
from workbench.training.metrics import f1_macro
from workbench.training.timing.clock import PhaseClock

MOST_SAMPLES = 2048
"""Of the validation split: the same ones for both."""
MOST_SCORES = 2**26
"""256 MiB of float32: of a language model, which has scores for each token, fewer samples are measured."""
PARTS = 16
"""Of those samples: how the losses of the parts scatter shows how much a difference depends on the samples."""


@dataclass(frozen=True)
class Validated:
    """What was measured after some training."""

    samples_trained: int
    loss: float
    """Mean over the validation samples; may not be finite."""
    parts: tuple[float, ...] = ()
    """Mean of each part; empty for few samples."""
    f1: float | None = None
    """Mean over the classes; None for numbers."""


class Validation:
    """Measures a job on a subset of its validation split, and leaves the model in the mode it was in."""

    def __init__(self, job: Job) -> None:
        """Raises ValueError where the job has no validation split."""
        if job.validation is None:
            raise ValueError("there is no validation split")
        self._job, self._source = job, job.validation
        # A split may be sorted by class: the subset is drawn, the same one for every job that has the same split.
        scores = job.task.outputs * (job.sample[1].numel() if job.task.predicts_tokens else 1)
        most = min(MOST_SAMPLES, max(MOST_SCORES // max(scores, 1), 2 * PARTS))
        drawn = torch.randperm(len(self._source), generator=torch.Generator().manual_seed(0))[:most]
        self._chosen = drawn.sort().values if len(drawn) < len(self._source) else torch.arange(len(self._source))
        self._parts = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(1)).tensor_split(PARTS)

    def __len__(self) -> int:
        return len(self._chosen)

    def measure(self, samples_trained: int) -> Validated:
        """Loss and F1 now."""
        scores, targets = self._predict()
        loss = float(self._job.loss(scores, targets))
        parts: tuple[float, ...] = ()
        if len(scores) >= 2 * PARTS and math.isfinite(loss):
            places = [part.to(scores.device) for part in self._parts]
            parts = tuple(float(self._job.loss(scores[part], targets[part])) for part in places)
        f1 = mean_f1(scores, targets) if self._job.task.kind == "classification" else None
        return Validated(samples_trained, loss, parts, f1)

    def _predict(self) -> tuple[Tensor, Tensor]:
        model, was_training = self._job.model, self._job.model.training
        model.eval()
        try:
            with torch.inference_mode():
                scores, targets = [], []
                for batch in self._source.batches(self._chosen, PhaseClock()):
                    with self._job.precision.autocast():
                        scores.append(model(batch.inputs).float())
                    targets.append(batch.targets)
                return torch.cat(scores), torch.cat(targets)
        finally:
            model.train(was_training)


def mean_f1(scores: Tensor, targets: Tensor) -> float:
    """F1 of each class that occurs or is predicted, all classes counting alike.

    scores: float (samples, classes); targets: int64 (samples,).
    """
    counts = ClassCounts(scores.shape[1])
    counts.update(scores, targets)
    return f1_macro(counts)
