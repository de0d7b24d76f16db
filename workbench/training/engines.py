"""Which engine executes a job's steps, and why that one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from workbench.errors import PresetError
from workbench.settings.model import ModuleModel
from workbench.training.clock import PhaseClock
from workbench.training.engine import EagerEngine, Engine
from workbench.training.feeds import Batch
from workbench.training.job import Job
from workbench.training.traced_engine import TracedEngine
from workbench.training.tracing import CannotTraceError

LearningRate = Callable[[int], float]


def make_engine(job: Job, clock: PhaseClock, learning_rate: LearningRate) -> tuple[Engine, str]:
    """The engine that the preset asks for, and the reason for it in half a sentence.

    `auto` takes the fastest that fits and falls back with the reason; an engine asked for by name that does not fit
    raises PresetError.
    """
    asked = job.preset.runtime.engine
    if asked == "eager":
        return _build(EagerEngine, job, clock, learning_rate), "asked for"
    if asked == "auto" and isinstance(job.preset.model, ModuleModel):
        return _build(EagerEngine, job, clock, learning_rate), "a model of your own may do more than its operators tell"
    engine = _build(TracedEngine, job, clock, learning_rate)
    assert isinstance(engine, TracedEngine)
    try:
        engine.graph(engine.arguments(made_batch(job)), 1.0)
    except Exception as error:
        if asked != "traced":
            # What is wrong with the model itself will be said by the eager engine.
            return _build(EagerEngine, job, clock, learning_rate), f"not traced: {_first_line(error)}"
        if isinstance(error, CannotTraceError):
            raise PresetError(f'runtime.engine = "traced", but {error}; use "auto" or "eager"') from error
        raise
    return engine, "asked for" if asked == "traced" else "the fastest on this device that fits the model"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _build(kind: type[EagerEngine], job: Job, clock: PhaseClock, learning_rate: LearningRate) -> EagerEngine:
    training = job.preset.training
    return kind(
        job.model,
        job.loss,
        job.optimizer,
        job.train,
        job.precision,
        clock,
        learning_rate,
        device=job.device,
        accumulation=training.accumulation,
        clip_norm=training.clip_norm,
        count_hits=job.task.kind == "classification",
    )


def made_batch(job: Job) -> Batch:
    """A batch of made numbers, of the shapes that the job trains on: it draws from no generator that training uses."""
    generator = torch.Generator().manual_seed(0)
    samples = min(job.preset.data.batch_size, len(job.train))
    inputs = torch.randn((samples, *job.input_shape), generator=generator)
    targets: Tensor
    if job.task.kind == "classification":
        targets = torch.randint(job.task.outputs, (samples,), generator=generator)
    else:
        targets = torch.randn((samples, job.task.outputs), generator=generator)
    return Batch(inputs.to(job.device), targets.to(job.device))
