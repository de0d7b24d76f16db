"""Candidates of equal sizes in training: one step trains them all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workbench.errors import not_finite_in_words
from workbench.settings.preset import Preset
from workbench.settings.validation import CrossValidation
from workbench.training.batches import RESIDENT_FRACTION, free_bytes
from workbench.training.epoch_order import shuffled
from workbench.training.job import Job, assemble, seeded_model
from workbench.training.prepared_data import PreparedData
from workbench.training.tuning.stacked.course import Course, EpochValues
from workbench.training.tuning.stacked.dropout import replace_dropout
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.evaluation import Evaluated, StackedEvaluator
from workbench.training.tuning.stacked.losses import smoothings, stacked_loss
from workbench.training.tuning.stacked.network import StackedNetwork
from workbench.training.tuning.stacked.optimizers import StackedOptimizer
from workbench.training.tuning.stacked.samples import StackedSamples
from workbench.training.tuning.stacked.weights import StackedWeights
from workbench.units import size

COPIES = 8
"""Of each weight: the models as built, the stack, the best epoch, gradients, the optimizer's state, and one spare."""


class Stack:
    """Trains candidates epoch by epoch; those that have ended leave it."""

    def __init__(self, data_sets: Sequence[PreparedData], presets: Sequence[Preset], numbers: Sequence[int]) -> None:
        """data_sets: of each candidate, the same object where they share it; numbers: what the candidates are called.

        The presets differ only in numbers, see `workbench.processes.together`. Raises CannotStackError, and what
        `assemble` raises.
        """
        distinct = list({id(data): data for data in data_sets}.values())
        places = {id(data): place for place, data in enumerate(distinct)}
        of_candidate = [places[id(data)] for data in data_sets]
        leaders = [presets[of_candidate.index(place)] for place in range(len(distinct))]
        self.jobs: list[Job] = [assemble(*pair) for pair in zip(distinct, leaders, strict=True)]
        first = self.jobs[0]
        if first.task.predicts_tokens:
            raise CannotStackError("language models are trained one by one: their steps are long, so nothing is saved")
        self._first, self._device = first, first.device
        _check_memory(first.model, len(presets), self._device)
        models = [seeded_model(*pair, self._device) for pair in zip(data_sets, presets, strict=True)]
        for model in models:
            replace_dropout(model)
        self.weights = StackedWeights.of(models)
        losses = [preset.loss for preset in presets]
        self._smoothing = torch.tensor(smoothings(losses), device=self._device)
        loss = stacked_loss(losses, first.loss_class_counts)
        self._network = StackedNetwork(models[0], self.weights, loss, first.task.correct)
        self._evaluator = StackedEvaluator(self._network, loss, self.jobs)
        self._optimizer = StackedOptimizer([preset.optimizer for preset in presets], self.weights.flat)
        self._train = StackedSamples.of([job.train for job in self.jobs], of_candidate)
        self._validation = self._split([job.validation for job in self.jobs], of_candidate)
        self._test = self._split([job.test for job in self.jobs], of_candidate)
        self._augment = first.preset.data.augmentation()
        clips = [preset.training.gradient_clip_norm or math.inf for preset in presets]
        self._clip = torch.tensor(clips, device=self._device).unsqueeze(1)
        self._clips = min(clips) < math.inf
        self.running = [
            Course.of(number, preset, place, self.jobs[place])
            for number, preset, place in zip(numbers, presets, of_candidate, strict=True)
        ]
        """Those that are still trained, in the order of the stack's rows."""
        self._best = self.weights.select(self._all_rows)
        self._step = self._epoch = 0

    @staticmethod
    def _split(sources: Sequence[object], of_candidate: Sequence[int]) -> StackedSamples | None:
        if sources[0] is None:
            return None
        return StackedSamples.of(sources, of_candidate)  # type: ignore[arg-type]

    @property
    def _all_rows(self) -> Tensor:
        return torch.arange(len(self.weights.flat), device=self._device)

    @property
    def samples_per_epoch(self) -> int:
        """Samples of each candidate."""
        return self._first.samples_per_epoch

    def train_epoch(self) -> None:
        """Trains and validates an epoch, and notes the values. Those that have diverged or ended leave the stack."""
        orders = self.orders()
        training, batch_size = self._first.preset.training, self._first.preset.data.batch_size
        steps = orders.split(batch_size * training.gradient_accumulation, dim=1)
        rates = self.rates(len(steps))
        losses, correct = [], torch.zeros(len(self.running), dtype=torch.int64, device=self._device)
        for order, rate in zip(steps, rates, strict=True):
            loss, right = self.run_step(order.split(batch_size, dim=1), rate)
            losses.append(loss)
            correct += right
        self._step += len(steps)
        self._epoch += 1
        self._end_epoch(torch.stack(losses).cpu(), correct.cpu(), [order.shape[1] for order in steps])

    def run_step(self, batches: Sequence[Tensor], rates: Tensor) -> tuple[Tensor, Tensor]:
        """Trains all candidates by one step; the mean loss of each and its number of correct answers.

        batches: the indices of each candidate's samples, int64 (candidates, n); rates: (candidates, 1), float64.
        """
        samples = sum(batch.shape[1] for batch in batches)
        gradients = losses = correct = None
        for batch in batches:
            inputs, targets = self._train.gather(batch, self._augment)
            found, loss, right = self._network.gradients(self.weights, self._smoothing, inputs, targets)
            if len(batches) > 1:
                weight = batch.shape[1] / samples
                found, loss = found * weight, loss * weight
            gradients = found if gradients is None else gradients + found
            losses = loss if losses is None else losses + loss
            correct = right if correct is None else correct + right
        if gradients is None or losses is None or correct is None:
            raise ValueError("a step has at least one batch")
        if self._clips:
            norms = gradients.norm(dim=1, keepdim=True)
            gradients = gradients * (self._clip / (norms + 1e-6)).clamp(max=1.0)
        self._optimizer.step(self.weights.flat, gradients, rates)
        return losses, correct

    def orders(self) -> Tensor:
        """The samples of this epoch, int64 (candidates, samples of an epoch), on the device."""
        used = self.samples_per_epoch
        seeds = [course.preset.training.seed for course in self.running]
        by_seed = {seed: shuffled(seed, self._epoch, self._train.count)[:used] for seed in dict.fromkeys(seeds)}
        return torch.stack([by_seed[seed] for seed in seeds]).to(self._device)

    def rates(self, steps: int) -> Tensor:
        """The rates of the next steps: (steps, candidates, 1)."""
        after = range(self._step + 1, self._step + steps + 1)
        rates = [[[course.rate.at(step)] for course in self.running] for step in after]
        precise = torch.float32 if self._device.type == "mps" else torch.float64
        return torch.tensor(rates, dtype=precise, device=self._device)

    def _end_epoch(self, losses: Tensor, correct: Tensor, sizes: list[int]) -> None:
        """losses: (steps, candidates); sizes: samples of each step."""
        training = self._first.preset.training
        due = self._epoch % training.validate_every == 0 or self._epoch == training.epochs
        validation: list[Evaluated] | None = None
        if due and self._validation is not None:
            validation = self._evaluate(self._validation, self.weights, only=self.running[0].monitor.name)
        samples = torch.tensor(sizes, dtype=torch.float64)
        means = (losses.double() * samples.unsqueeze(1)).sum(0) / samples.sum()
        better = []
        for row, course in enumerate(self.running):
            own = losses[:, row]
            course.losses += own.tolist()
            train = {"loss": float(means[row])}
            if self._first.task.correct is not None:
                train["accuracy"] = int(correct[row]) / int(samples.sum())
            measured = None if validation is None else validation[row].metrics
            values = EpochValues(self._epoch, course.rate.at(self._step), train, measured)
            problem = _problem(own, measured, self._step)
            if problem:
                course.epochs.append(values)
                course.status, course.reason = "failed", problem
            elif (due or not course.monitor.on_validation) and course.add(values):
                better.append(row)
            elif not course.epochs or course.epochs[-1] is not values:
                course.epochs.append(values)
        if better:
            self._best.copy_rows(self.weights, torch.tensor(better, device=self._device))
        self._finish()

    def _finish(self) -> None:
        """Evaluates those that have come to their end, and drops all that have ended."""
        over = [row for row, course in enumerate(self.running) if course.status == "running" and course.is_over]
        if over:
            rows = torch.tensor(over, device=self._device)
            courses = [self.running[row] for row in over]
            kept = self._first.preset.training.keep_best and all(course.best_epoch for course in courses)
            best = (self._best if kept else self.weights).select(rows)
            validation = courses[0].preset.validation
            last_epoch = isinstance(validation, CrossValidation) and not validation.chooses_epoch
            validated = self.weights.select(rows) if last_epoch else best
            for split, weights, name in ((self._validation, validated, "validation"), (self._test, best, "test")):
                if split is not None:
                    results = self._evaluate(split.select(rows), weights, rows=rows, keep_scores=name == "validation")
                    for course, result in zip(courses, results, strict=True):
                        setattr(course, name, result)
            for course in courses:
                course.status = "completed"
        self._drop([row for row, course in enumerate(self.running) if course.status == "running"])

    def keep(self, numbers: Sequence[int]) -> None:
        """Discards all candidates but these, by their numbers."""
        for course in self.running:
            if course.number not in numbers:
                course.status = "discarded"
        self._drop([row for row, course in enumerate(self.running) if course.status == "running"])

    def _drop(self, kept: list[int]) -> None:
        if len(kept) == len(self.running):
            return
        rows = torch.tensor(kept, dtype=torch.int64, device=self._device)
        self.running = [self.running[row] for row in kept]
        self.weights, self._best = self.weights.select(rows), self._best.select(rows)
        self._optimizer.select(rows)
        self._smoothing, self._clip = self._smoothing[rows], self._clip[rows]
        self._train = self._train.select(rows)
        self._validation = None if self._validation is None else self._validation.select(rows)
        self._test = None if self._test is None else self._test.select(rows)

    def _evaluate(
        self,
        samples: StackedSamples,
        weights: StackedWeights,
        *,
        rows: Tensor | None = None,
        only: str | None = None,
        keep_scores: bool = False,
    ) -> list[Evaluated]:
        """rows: of those that are evaluated; None for all."""
        chosen = range(len(self.running)) if rows is None else rows.tolist()
        smoothing = self._smoothing if rows is None else self._smoothing[rows]
        data_sets = [self.running[row].data_set for row in chosen]
        return self._evaluator.evaluate(weights, smoothing, samples, data_sets, only=only, keep_scores=keep_scores)


def _check_memory(model: nn.Module, candidates: int, device: torch.device) -> None:
    """Raises CannotStackError where the weights of all candidates would take too much of the memory."""
    needed = COPIES * candidates * sum(parameter.nbytes for parameter in model.parameters())
    free = free_bytes(device)
    if needed > RESIDENT_FRACTION * free:
        raise CannotStackError(
            f"the weights of {candidates} candidates, their gradients and the optimizer's state take about "
            f"{size(needed)}, and {size(free)} are free"
        )


def _problem(losses: Tensor, validation: dict[str, float | None] | None, last_step: int) -> str:
    """What is not a finite number, in words; empty if all is."""
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        step = last_step - len(losses) + 1 + int(bad[0, 0])
        return f"{not_finite_in_words('loss', step)} is not a finite number: training has diverged"
    loss = None if validation is None else validation["loss"]
    if loss is not None and not math.isfinite(loss):
        what = not_finite_in_words("validation loss", last_step)
        return f"{what} is not a finite number: training has diverged"
    return ""
