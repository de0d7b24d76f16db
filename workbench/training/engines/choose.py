"""Which engine executes a job's steps, and why that one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.errors import PresetError
from workbench.settings.model import ModuleModel
from workbench.training.batches import Batch
from workbench.training.engines.compiled import CompiledEngine, CompiledUpdateEngine
from workbench.training.engines.compiled_cuda_graph import CompiledCudaGraphEngine
from workbench.training.engines.cuda_graph import CudaGraphEngine, obstacle
from workbench.training.engines.eager import EagerEngine, Engine
from workbench.training.engines.traced import TracedEngine
from workbench.training.graphs.compiled_optimizer import seconds_saved
from workbench.training.graphs.tracing import CannotTraceError, first_line
from workbench.training.job import Job
from workbench.training.timing.clock import PhaseClock
from workbench.units import duration

LearningRate = Callable[[int], float]

KINDS: dict[str, type[EagerEngine]] = {
    "eager": EagerEngine,
    "traced": TracedEngine,
    "traced with a compiled update": CompiledUpdateEngine,
    "compiled": CompiledEngine,
    "cuda_graph": CudaGraphEngine,
    "compiled graph": CompiledCudaGraphEngine,
}
"""By the names of the setting, and two more: what auto means for long runs on the CPU, and what compiled means where
CUDA graphs can be used."""

LEAST_SECONDS_SAVED = 20.0
"""Of a run, for compiling its update, which takes 2 to 7 seconds."""


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and how it came to be."""

    engine: Engine
    reason: str
    """Why this one, in half a sentence."""
    seconds: float
    """What tracing, compiling or capturing the step took."""


def make_engine(
    job: Job,
    clock: PhaseClock,
    learning_rate: LearningRate,
    warn: Callable[[str], None],
    tell: Callable[[str], None] = lambda _: None,
) -> EngineChoice:
    """The engine that the preset asks for; `auto` takes the fastest that fits, and falls back with the reason.

    learning_rate: of a step, by its number from 1; warn: hears of what turns out to go wrong only later; tell: of what
    takes seconds, before it is begun. Raises PresetError where an engine that is asked for by name does not fit.
    """
    started = time.perf_counter()
    build = _Builder(job, clock, learning_rate, warn, tell)
    asked = job.preset.runtime.engine
    if asked == "auto":
        engine, reason = _fastest(job, build)
    else:
        engine, reason = _asked_for(asked, build)
    return EngineChoice(engine, reason, time.perf_counter() - started)


def _fastest(job: Job, build: _Builder) -> tuple[Engine, str]:
    if isinstance(job.preset.model, ModuleModel):
        return build("eager"), "a model of your own may do more than its operators tell"
    try:
        if job.device.type != "cuda":
            return _fastest_without_cuda(job, build)
        reason = obstacle(job)
        return (build("cuda_graph"), "the fastest here that fits") if reason is None else (build("traced"), reason)
    except Exception as error:  # what is wrong with the model itself will be said by the eager engine
        return build("eager"), f"not traced: {first_line(error)}"


def _fastest_without_cuda(job: Job, build: _Builder) -> tuple[Engine, str]:
    """The traced engine; of a long run on the CPU the update compiled.

    That is decided by the settings alone, so that a repeated run gives the same bits. Forward and backward are not
    compiled: where oneDNN makes the products, that gains 7 % at best and loses with convolutions
    (tests/benchmarks/engines.py).
    """
    reason = "the fastest here that fits"
    saved = seconds_saved(job.optimizer, job.steps_per_epoch * job.preset.training.epochs)
    if saved < LEAST_SECONDS_SAVED or job.device.type != "cpu":
        return build("traced"), reason
    engine = build("traced with a compiled update")
    if isinstance(engine, TracedEngine) and engine.update_is_compiled:
        optimizer = job.preset.optimizer.label()
        reason += f"; the update of {optimizer} compiled, which saves about {duration(saved)} where it was measured"
    return engine, reason


def _asked_for(name: str, build: _Builder) -> tuple[Engine, str]:
    try:
        if name != "compiled" or build.job.device.type != "cuda":
            return build(name), "asked for"
        reason = obstacle(build.job)
        if reason is None:
            return build("compiled graph"), "asked for, and replayed as CUDA graphs"
        return build(name), f"asked for; not as CUDA graphs: {reason}"
    except Exception as error:
        if not isinstance(error, CannotTraceError) and name != "compiled":
            raise
        message = f'runtime.engine = "{name}", but {first_line(error)}; use "auto" or "eager"'
        raise PresetError(message) from error


@dataclass(frozen=True)
class _Builder:
    """Builds engines of a job, with all that a full batch needs made already."""

    job: Job
    clock: PhaseClock
    learning_rate: LearningRate
    warn: Callable[[str], None]
    tell: Callable[[str], None]

    def __call__(self, name: str) -> Engine:
        job, training = self.job, self.job.preset.training
        if issubclass(KINDS[name], CompiledUpdateEngine):
            self.tell("compiling the step (kept for the next time)")
        if name != "eager" and job.input_names:
            raise CannotTraceError("inputs by name are trained by the eager engine alone")
        if name == "cuda_graph" and (reason := obstacle(job)) is not None:
            raise CannotTraceError(reason)
        engine = KINDS[name](
            job.model,
            job.loss,
            job.optimizer,
            job.train,
            job.precision,
            self.clock,
            self.learning_rate,
            device=job.device,
            gradient_accumulation=training.gradient_accumulation,
            gradient_clip_norm=training.gradient_clip_norm,
            count_hits=job.task.kind == "classification",
        )
        if isinstance(engine, CudaGraphEngine):
            engine.warn = self.warn
        if isinstance(engine, TracedEngine):
            batch = synthetic_batch(job)
            engine.graph(engine.arguments(batch), 1 / training.gradient_accumulation)
        return engine


def synthetic_batch(job: Job) -> Batch:
    """A batch of the shapes that the job trains on, for an engine that makes numbers for its samples.

    It draws from no generator that training uses.
    """
    generator = torch.Generator().manual_seed(0)
    samples = min(job.preset.data.batch_size, len(job.train))
    inputs = torch.zeros((samples, *job.input_shape), dtype=job.input_type, device=job.device)
    targets: Tensor
    if job.task.kind == "classification":
        targets = torch.randint(job.task.outputs, (samples,), generator=generator)
    else:
        targets = torch.randn((samples, job.task.outputs), generator=generator)
    return Batch(inputs, targets.to(job.device))
