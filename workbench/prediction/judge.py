"""Judges a model: evaluates it, draws curves of what it predicts, and shows the samples that are asked for."""

from __future__ import annotations

from collections.abc import Sequence

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
        self._scores = _Scores()
        self._evaluated = evaluate_samples(request, report, self._scores.add)

    def judgement(self) -> Judgement:
        """The evaluation and the curves."""
        found, predictions = self._evaluated, self._evaluated.predictions
        return Judgement(
            evaluation=evaluation_of(found),
            curves=self._curves(found),
            fits=fits_of(predictions.predicted, predictions.true) if found.trained.task == "regression" else [],
        )

    def _curves(self, found: Evaluated) -> list[ClassCurves]:
        scores = self._scores.all
        if found.trained.task != "classification" or scores is None:
            return []
        return class_curves(found.preset.loss.probabilities(scores), found.predictions.true)

    def samples(self, choice: Choice) -> Samples:
        """The samples of a choice, with their pictures."""
        numbers = self._numbers(choice)
        return Samples(len(numbers), [self._sample(number) for number in numbers[:MOST_SAMPLES]])

    def _numbers(self, choice: Choice) -> Sequence[int]:
        """The samples of a choice, all of them, in its order."""
        predictions = self._evaluated.predictions
        if choice.which == "surprising":
            return predictions.confident_mistakes(len(predictions.losses), 0.0)
        worst = predictions.worst(len(predictions.losses))
        if choice.which == "worst":
            return worst
        is_in_cell = (predictions.true == choice.true) & (predictions.predicted == choice.predicted)
        chosen = is_in_cell.tolist()
        return [number for number in worst if chosen[number]]

    def _sample(self, number: int) -> JudgedSample:
        found = self._evaluated
        said = described(number, found.predictions, found.found.parts, found.trained)
        part, of_part = place_of(number, found.found.parts)
        if found.trained.task == "language_modeling":
            return JudgedSample(said)
        source = Source(part.data, part.samples, Splits(part.raw, None, None))
        pictures = pictures_of(part.raw[of_part][0], source)
        return JudgedSample(said, Sample(of_part, said.true, **pictures))


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
