"""Evaluates all candidates on a split, with the losses and metrics of ordinary evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, vmap

from workbench.metrics import metric
from workbench.training.accumulators import SplitFacts, on_host_without_float64
from workbench.training.evaluation import keeps_scores
from workbench.training.job import Job
from workbench.training.metrics import SplitMetrics
from workbench.training.tuning.stacked.losses import SmoothedLoss
from workbench.training.tuning.stacked.network import StackedNetwork
from workbench.training.tuning.stacked.samples import StackedSamples
from workbench.training.tuning.stacked.weights import StackedWeights


@dataclass(frozen=True)
class Evaluated:
    """How good one candidate is on a split."""

    metrics: dict[str, Any]
    """The loss, and the metrics that were asked for."""
    scores: Tensor | None = None
    """On the host, where they were asked for: (samples, outputs), raw, or numbers in the data's own units."""
    targets: Tensor | None = None
    """Likewise, (samples,) or (samples, outputs)."""


class StackedEvaluator:
    """Measures losses and metrics of candidates."""

    def __init__(self, network: StackedNetwork, loss: SmoothedLoss, jobs: Sequence[Job]) -> None:
        """jobs: of each data set."""
        self._network = network
        self._loss = loss
        self._jobs = jobs
        job = jobs[0]
        self._task, self._choice = job.task, job.preset.loss
        self._weight = job.preset.loss.batch_weight(job.loss_class_counts)

    def evaluate(
        self,
        weights: StackedWeights,
        smoothing: Tensor,
        samples: StackedSamples,
        data_sets: Sequence[int],
        *,
        only: str | None = None,
        keep_scores: bool = False,
    ) -> list[Evaluated]:
        """The results of each candidate.

        smoothing: (candidates,). data_sets: the number of each candidate's data set. only: the metric that is computed
        beside the loss, None for all. Raises CannotStackError.
        """
        candidates = len(data_sets)
        metrics = [self._metrics(samples.count, only) for _ in range(candidates)]
        total = torch.zeros(candidates, dtype=torch.float64)
        weight = torch.zeros(candidates, dtype=torch.float64)
        kept: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for inputs, targets in samples.parts():
                scores = self._network.scores(weights, inputs, shared=samples.is_shared)
                losses = vmap(self._loss)(scores, targets, smoothing)
                counts = self._weights(targets)
                total, weight = total + losses.cpu().double() * counts, weight + counts
                scores, targets = on_host_without_float64(scores), on_host_without_float64(targets)
                answers = [self._in_own_units(*pair) for pair in zip(scores, targets, data_sets, strict=True)]
                for own, answer in zip(metrics, answers, strict=True):
                    own.update(*answer)
                if keep_scores:
                    kept.append((torch.stack([one for one, _ in answers]), torch.stack([two for _, two in answers])))
        losses_of = (total / torch.where(weight > 0, weight, 1.0)).tolist()
        computed = [own.compute() if only is None else own.values() for own in metrics]
        results = [{"loss": loss} | own for loss, own in zip(losses_of, computed, strict=True)]
        if not keep_scores:
            return [Evaluated(result) for result in results]
        all_scores, all_targets = (torch.cat(parts, dim=1).cpu() for parts in zip(*kept, strict=True))
        return [Evaluated(*each) for each in zip(results, all_scores, all_targets, strict=True)]

    def _metrics(self, samples: int, only: str | None) -> SplitMetrics:
        wanted = self._task.metrics if only is None else [metric(only)] if only != "loss" else []
        facts = SplitFacts(samples, self._task.outputs, self._choice.probabilities)
        return SplitMetrics(wanted, facts, keeps_scores=keeps_scores(samples, self._task.outputs))

    def _weights(self, targets: Tensor) -> Tensor:
        """How much the mean loss of each candidate's part counts: float64 (candidates,), on the host."""
        first = self._weight(targets[0])
        if not isinstance(first, Tensor):
            return torch.full((len(targets),), float(first), dtype=torch.float64)
        return torch.stack([torch.as_tensor(self._weight(own)) for own in targets]).cpu().double()

    def _in_own_units(self, scores: Tensor, targets: Tensor, data_set: int) -> tuple[Tensor, Tensor]:
        scale = self._jobs[data_set].target_scale
        if scale is None:
            return scores, targets
        scores, targets = scores.cpu(), targets.cpu()
        return scale.undo(scores), scale.undo(targets)
