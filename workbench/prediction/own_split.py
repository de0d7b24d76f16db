"""Predicts the held-out samples of a run's own data, and measures them, exactly as the run did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from workbench.data.progress import Report
from workbench.errors import DataError, UsageError
from workbench.prediction.answers import (
    Answer,
    class_names,
    named_numbers,
    of_classes,
    of_numbers,
    of_windows,
    target_names,
)
from workbench.prediction.predictor import Prediction
from workbench.runs.directory import RunDirectory
from workbench.training.checkpointing import course
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.evaluation import Evaluator
from workbench.training.generation import Tokenizer
from workbench.training.job import Job, assemble
from workbench.training.prepared_data import prepare

HeldOut = Literal["validation", "test"]
CPU = torch.device("cpu")


def rebuilt_job(model: TrainedModel, run: RunDirectory | None, device: str, report: Report) -> Job:
    """The job of a run with its data, split as it was, and the weights of its model.

    run: where its last checkpoint says what the data was; None where there is none. device: as `runtime.device`.
    Raises DataError where the data has changed since; whatever `prepare` and `assemble` raise.
    """
    preset = model.preset.override([f"runtime.device={device}"])
    data = prepare(preset, report)
    if run is not None and run.last_checkpoint.exists():
        course.check_data(checkpoints.load(run.last_checkpoint, CPU).get("data"), data.digests(), run)
    job = assemble(data, preset)
    if job.task.classes != model.classes or job.task.outputs != model.description["outputs"]:
        raise DataError("the data of the run has changed: its classes or targets are not those that it was trained on")
    job.model.load_state_dict(model.model.state_dict())
    return job


def predict_split(
    job: Job, split: HeldOut, model: TrainedModel, emit: Callable[[Prediction], None], *, all_classes: bool
) -> dict[str, Any]:
    """Gives the prediction of each sample of a split, in its order, with its target; returns the metrics.

    Raises UsageError where the run has no such split.
    """
    source = job.validation if split == "validation" else job.test
    if source is None:
        raise UsageError(
            f"the run has no {split} split; its preset says validation.method = {job.preset.validation.label()!r}"
        )
    row = 0

    def keep(scores: Tensor, targets: Tensor) -> None:
        nonlocal row
        for answer in _answers(job, model, scores, targets, all_classes=all_classes):
            row += 1
            emit(Prediction({"input": split, "row": row}, answer))

    evaluator = Evaluator(
        job.model,
        job.loss,
        job.precision,
        job.task,
        job.target_scale,
        choice=job.preset.loss,
        class_counts=job.loss_class_counts,
    )
    metrics = evaluator.evaluate(source, split, lambda: False, keep)
    assert metrics is not None, "it is never interrupted"
    return {"loss": metrics["loss"]} | {
        each.name: metrics[each.name] for each in job.task.metrics if each.name in metrics
    }


def _answers(job: Job, model: TrainedModel, scores: Tensor, targets: Tensor, *, all_classes: bool) -> list[Answer]:
    """The answers for a batch, as `Evaluator` gives it: raw scores of classes, or numbers in the data's own units."""
    if job.task.predicts_tokens:
        return of_windows(scores, targets, job.encoding if isinstance(job.encoding, Tokenizer) else None)
    if job.task.kind == "classification":
        names = class_names(model)
        answers = of_classes(job.preset.loss.probabilities(scores), names, all_classes=all_classes)
        expected: list[Any] = [names[number] for number in targets.tolist()]
    else:
        names = target_names(model)
        answers = of_numbers(scores, names)
        expected = [named_numbers(row, names) for row in targets.tolist()]
    return [answer | {"target": target} for answer, target in zip(answers, expected, strict=True)]
