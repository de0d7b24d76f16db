"""Which engine executes a job's steps, and why that one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.errors import PresetError
from workbench.settings.model import ModuleModel
from workbench.training.clock import PhaseClock
from workbench.training.compiled_engine import CompiledEngine
from workbench.training.engine import EagerEngine, Engine
from workbench.training.feeds import Batch
from workbench.training.job import Job
from workbench.training.traced_engine import TracedEngine
from workbench.training.tracing import CannotTraceError

LearningRate = Callable[[int], float]

KINDS: dict[str, type[EagerEngine]] = {"eager": EagerEngine, "traced": TracedEngine, "compiled": CompiledEngine}


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and how it came to be."""

    engine: Engine
    reason: str
    """Why this one, in half a sentence."""
    seconds: float
    """What tracing, compiling or capturing the step took."""


def make_engine(job: Job, clock: PhaseClock, learning_rate: LearningRate) -> EngineChoice:
    """The engine that the preset asks for; `auto` takes the fastest that fits, and falls back with the reason.

    Raises PresetError where an engine that is asked for by name does not fit.
    """
    started = time.perf_counter()
    asked = job.preset.runtime.engine
    if asked == "auto":
        engine, reason = _fastest(job, clock, learning_rate)
    else:
        engine, reason = _asked_for(asked, job, clock, learning_rate), "asked for"
    return EngineChoice(engine, reason, time.perf_counter() - started)


def _fastest(job: Job, clock: PhaseClock, learning_rate: LearningRate) -> tuple[Engine, str]:
    if isinstance(job.preset.model, ModuleModel):
        reason = "a model of your own may do more than its operators tell"
        return _build(EagerEngine, job, clock, learning_rate), reason
    try:
        return _ready("traced", job, clock, learning_rate), "the fastest here that fits"
    except Exception as error:  # what is wrong with the model itself will be said by the eager engine
        return _build(EagerEngine, job, clock, learning_rate), f"not traced: {_first_line(error)}"


def _asked_for(name: str, job: Job, clock: PhaseClock, learning_rate: LearningRate) -> Engine:
    try:
        return _ready(name, job, clock, learning_rate)
    except Exception as error:
        if not isinstance(error, CannotTraceError) and name != "compiled":
            raise
        message = f'runtime.engine = "{name}", but {_first_line(error)}; use "auto" or "eager"'
        raise PresetError(message) from error


def _ready(name: str, job: Job, clock: PhaseClock, learning_rate: LearningRate) -> Engine:
    """The engine, with all that a full batch needs made already."""
    engine = _build(KINDS[name], job, clock, learning_rate)
    if isinstance(engine, TracedEngine):
        engine.graph(engine.arguments(made_batch(job)), 1.0)
    return engine


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
