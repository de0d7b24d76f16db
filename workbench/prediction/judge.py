"""Judges a model: evaluates it, draws curves of what it predicts, and shows the samples that are asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.data.progress import Report
from workbench.data.splits import Splits
from workbench.prediction.class_curves import class_curves
from workbench.prediction.describe_samples import described
from workbench.prediction.evaluate import Evaluated, evaluate_samples, evaluation_of
from workbench.prediction.fit import fits_of
from workbench.prediction.labelled_data import place_of
from workbench.processes.data import Sample
from workbench.processes.evaluation import EvaluationRequest
from workbench.processes.judging import MOST_SAMPLES, Choice, ClassCurves, JudgedSample, Judgement, Samples
from workbench.training.describing.pictures import pictures_of
from workbench.training.describing.source import Source
from workbench.training.evaluation import keeps_scores


class Judge:
    """A model that has been evaluated, with its data."""

    def __init__(self, request: EvaluationRequest, report: Report) -> None:
        """Evaluates. Raises what `evaluate` raises."""
        self.request = request
        scores = _Scores()
        self._evaluated = found = evaluate_samples(request, report, scores.add)
        predictions = found.predictions
        self.judgement = Judgement(
            evaluation=evaluation_of(found),
            curves=_curves(found, scores.all),
            fits=fits_of(predictions.predicted, predictions.true) if found.trained.task == "regression" else [],
        )

    def samples(self, choice: Choice) -> Samples:
        """The samples of a choice, with their pictures."""
        predictions = self._evaluated.predictions
        if choice.which == "worst":
            total, numbers = len(predictions.losses), predictions.worst(MOST_SAMPLES)
        elif choice.which == "surprising":
            numbers = predictions.confident_mistakes(MOST_SAMPLES, 0.0)
            total = int((predictions.predicted != predictions.true).sum()) if numbers else 0
        else:
            is_in_cell = (predictions.true == choice.true) & (predictions.predicted == choice.predicted)
            total, numbers = int(is_in_cell.sum()), predictions.worst(MOST_SAMPLES, is_in_cell)
        return Samples(total, [self._sample(number) for number in numbers])

    def _sample(self, number: int) -> JudgedSample:
        found = self._evaluated
        said = described(number, found.predictions, found.found.parts, found.trained)
        part, of_part = place_of(number, found.found.parts)
        if found.trained.task == "language_modeling":
            return JudgedSample(said)
        source = Source(part.data, part.samples, Splits(part.raw, None, None))
        pictures = pictures_of(part.raw[of_part][0], source)
        return JudgedSample(said, Sample(of_part, said.true, **pictures))


def _curves(found: Evaluated, scores: Tensor | None) -> list[ClassCurves]:
    """Of the classes. scores: raw, (samples, classes); None where there are too many, or no classes."""
    if scores is None:
        return []
    return class_curves(found.preset.loss.probabilities(scores), found.predictions.true)


class _Scores:
    """Keeps the scores of all samples, as long as they are few enough."""

    def __init__(self) -> None:
        self._kept: list[Tensor] | None = []
        self._samples = 0

    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Takes a batch, as `PredictionCollector.add` does."""
        self._samples += len(targets)
        if self._kept is None or targets.is_floating_point() or targets.dim() != 1:
            return
        if keeps_scores(self._samples, scores.shape[1]):
            self._kept.append(scores.to("cpu", copy=True))
        else:
            self._kept = None

    @property
    def all(self) -> Tensor | None:
        """(samples, classes); None where they were too many."""
        return torch.cat(self._kept) if self._kept else None
