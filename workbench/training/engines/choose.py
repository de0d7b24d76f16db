"""Which engine runs a job's steps, and why that one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.errors import PresetError, first_line
from workbench.settings.model import ModuleModel
from workbench.training.batches import Batch, OnDeviceBatches
from workbench.training.engines.compiled import CompiledGradients, CompiledOptimizer
from workbench.training.engines.cuda_graph import CudaGraphEngine, why_not_capturable
from workbench.training.engines.direct import DirectEngine
from workbench.training.engines.engine import Engine, EngineHooks, LearningRate
from workbench.training.engines.traced import TracedGradients
from workbench.training.engines.train_step import Autograd, Gradients, OptimizerStep, TrainStep
from workbench.training.graphs.traced_optimizer import TracedOptimizer, can_be_traced
from workbench.training.graphs.tracing import CannotTraceError
from workbench.training.job import Job
from workbench.training.objective import Objective, trained_parameters
from workbench.training.timing.clock import PhaseClock

MakeGradients = Callable[[Objective, Tensor, PhaseClock], Gradients]
MakeOptimizerStep = Callable[[Job, PhaseClock, EngineHooks], OptimizerStep]

MOST_TRACED = 500_000_000
"""Samples of a batch times parameters, up to which auto traces on the CPU. Networks of 0.5 million parameters gained
20 % at batch sizes up to 64, 7 to 10 % at 256 and 512, and about as much as measurements vary from 1024 on; one of 2.7
million at batch size 1024 lost (python -m tests.benchmarks.engines, two cores)."""

LEAST_TRACED_STEPS = 200
"""Steps of a run from which auto traces on the CPU: to trace a step takes 8 to 20 ms for each shape of its batches,
mostly two, which is what 70 to 300 traced steps save (networks of 1,000 to 300,000 parameters, batch size 64, two
cores). Shorter runs are mostly trials of a search."""

COMPILED_ON_CPU = (torch.optim.RMSprop, torch.optim.Adadelta, torch.optim.Adamax)
"""Optimizers whose step takes much less time compiled on the CPU: 0.3 to 1.1 ns a weight less (two cores). NAdam gains
0.2 ns; where torch has a fused step, as of Adam and SGD, nothing is gained."""
LEAST_UPDATES = 30_000_000_000
"""Weights times steps of a run from which this saves more than the 5 to 15 s that compiling takes."""
MOST_COMPILED = 20_000_000
"""Weights up to which an optimizer step is compiled: its check needs copies of them and their state for a moment, and
larger networks gain little."""

NO_COMPILED_CPU = (
    "compiled steps are for NVIDIA GPUs: on the CPU they gained 7 % at best, and lost 18 % with convolutions"
)


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and why it was chosen."""

    engine: Engine
    reason: str
    """Why this one, in half a sentence."""
    seconds: float
    """What preparing it took."""


@dataclass(frozen=True)
class _Recipe:
    """The parts of an engine."""

    gradients: MakeGradients
    optimizer_step: MakeOptimizerStep
    replayed: bool = False
    """Whether steps are captured in a CUDA graph."""


def _plain(job: Job, clock: PhaseClock, hooks: EngineHooks) -> OptimizerStep:
    return job.optimizer


def _traced(job: Job, clock: PhaseClock, hooks: EngineHooks) -> OptimizerStep:
    fits = job.device.type == "cpu" and job.precision.scaler is None and can_be_traced(job.optimizer)
    return TracedOptimizer(job.optimizer) if fits else job.optimizer


def _compiled(job: Job, clock: PhaseClock, hooks: EngineHooks) -> OptimizerStep:
    fits = job.precision.scaler is None and type(job.optimizer).__module__.startswith("torch.")
    fits = fits and job.parameters <= MOST_COMPILED
    return CompiledOptimizer(job.optimizer, clock, hooks) if fits else job.optimizer


ENGINES = {
    "eager": _Recipe(Autograd, _plain),
    "traced": _Recipe(TracedGradients, _traced),
    "compiled": _Recipe(CompiledGradients, _compiled),
    "cuda_graph": _Recipe(Autograd, _plain, replayed=True),
}
"""By the names of the setting."""
TRACED_WITH_COMPILED_OPTIMIZER = _Recipe(TracedGradients, _compiled)
"""What auto takes for long runs on the CPU."""
COMPILED_CUDA_GRAPH = _Recipe(CompiledGradients, _compiled, replayed=True)
"""What compiled means where steps can be captured."""


def make_engine(job: Job, clock: PhaseClock, learning_rate: LearningRate, hooks: EngineHooks) -> EngineChoice:
    """The engine that the preset asks for; `auto` takes the fastest that fits, and falls back with the reason.

    Raises PresetError where the engine that the preset names does not fit.
    """
    started = time.perf_counter()
    build = _Builder(job, clock, learning_rate, hooks)
    asked = job.preset.runtime.engine
    engine, reason = _fastest(job, build) if asked == "auto" else _asked_for(asked, job, build)
    return EngineChoice(engine, reason, time.perf_counter() - started)


def engine_in_prospect(job: Job) -> tuple[str, str]:
    """The engine that a run of the job would take, and why. Nothing is built, so tracing may still fail."""
    asked = job.preset.runtime.engine
    if asked != "auto":
        return asked, "asked for"
    name, _, reason = _preferred(job)
    return name, f"{reason}; eager if tracing fails at the start" if name == "traced" else reason


def _fastest(job: Job, build: _Builder) -> tuple[Engine, str]:
    name, recipe, reason = _preferred(job)
    if name != "traced":
        return build(name, recipe), reason
    try:
        return build(name, recipe), reason
    except Exception as error:  # the eager engine will report what is wrong with the model itself
        return build("eager"), f"not traced: {first_line(error)}"


def _preferred(job: Job) -> tuple[str, _Recipe | None, str]:
    """Name, recipe if not the name's own, and the reason of the engine that auto takes, or at least tries first."""
    reason = "the fastest here that fits"
    if job.device.type == "cuda":
        if (why_not := why_not_capturable(job)) is None:
            return "cuda_graph", None, reason
        reason = why_not
    if isinstance(job.preset.model, ModuleModel):
        lost = "a custom model may have side effects that a trace would lose"
        return "eager", None, reason if job.device.type == "cuda" else lost
    return _preferred_on_cpu(job) if job.device.type == "cpu" else ("traced", None, reason)


def _preferred_on_cpu(job: Job) -> tuple[str, _Recipe | None, str]:
    """The traced engine unless steps are large or few; for long runs with the optimizer step compiled.

    The settings alone decide, so that a repeated run gives the same bits.
    """
    reason = "the fastest here that fits"
    if job.preset.data.batch_size * job.parameters > MOST_TRACED:
        return "eager", None, "steps of this size gain nothing by being traced"
    if any(isinstance(module, nn.RNNBase) for module in job.model.modules()):
        return "eager", None, "a trace of a recurrent network holds each step of its sequences, and takes long to make"
    steps = job.steps_per_epoch * job.preset.training.epochs
    if steps < LEAST_TRACED_STEPS:
        return "eager", None, f"tracing takes longer than it saves in {steps:,} steps"
    updates = job.parameters * steps
    if isinstance(job.optimizer, COMPILED_ON_CPU) and updates >= LEAST_UPDATES and job.parameters <= MOST_COMPILED:
        reason += f"; the optimizer step of {job.preset.optimizer.label()} is compiled, which pays in so long a run"
        return "traced", TRACED_WITH_COMPILED_OPTIMIZER, reason
    return "traced", None, reason


def check_engine(job: Job) -> None:
    """Checks, without building it, that the engine that is asked for by name fits. Raises PresetError."""
    asked = job.preset.runtime.engine
    if asked != "auto" and (why_not := _why_not(asked, job)) is not None:
        raise _refusal(asked, why_not)


def _why_not(name: str, job: Job) -> str | None:
    if job.input_names and name != "eager":
        return "inputs by name are trained by the eager engine alone"
    if name == "compiled" and job.device.type != "cuda":
        return NO_COMPILED_CPU
    return why_not_capturable(job) if ENGINES[name].replayed else None


def _refusal(name: str, why_not: str) -> PresetError:
    return PresetError(f'runtime.engine = "{name}", but {why_not}; use "auto" or "eager"')


def _asked_for(name: str, job: Job, build: _Builder) -> tuple[Engine, str]:
    check_engine(job)
    try:
        if name == "compiled":
            return _compiled_engine(job, build)
        return build(name), "asked for"
    except Exception as error:
        if not isinstance(error, CannotTraceError) and name != "compiled":
            raise
        raise _refusal(name, first_line(error)) from error


def _compiled_engine(job: Job, build: _Builder) -> tuple[Engine, str]:
    if (why_not := why_not_capturable(job)) is not None:
        return build("compiled"), f"asked for; not as CUDA graphs: {why_not}"
    return build("compiled", COMPILED_CUDA_GRAPH), "asked for, and replayed as CUDA graphs"


@dataclass(frozen=True)
class _Builder:
    """Builds engines of a job."""

    job: Job
    clock: PhaseClock
    learning_rate: LearningRate
    hooks: EngineHooks

    def __call__(self, name: str, recipe: _Recipe | None = None) -> Engine:
        """An engine, by the recipe of its name or by another, ready for full batches. Raises CannotTraceError."""
        job, recipe = self.job, recipe or ENGINES[name]
        if (why_not := _why_not(name, job)) is not None:
            raise CannotTraceError(why_not)
        if _compiled in (recipe.gradients, recipe.optimizer_step):
            self.hooks.report_progress("compiling the step (kept for the next time)")
        direct = make_direct(name, recipe, job, self.clock, self.learning_rate, self.hooks)
        if not recipe.replayed:
            return direct
        assert isinstance(job.train, OnDeviceBatches)
        return CudaGraphEngine(direct, job.model, job.train, self.hooks)


def make_direct(
    name: str, recipe: _Recipe, job: Job, clock: PhaseClock, learning_rate: LearningRate, hooks: EngineHooks
) -> DirectEngine:
    """An engine that runs the job's steps directly."""
    training = job.preset.training
    parameters = trained_parameters(job.optimizer)
    objective = Objective(job.model, job.loss, job.precision, parameters, job.task.correct)
    correct = torch.zeros((), dtype=torch.int64, device=job.device)
    gradients = recipe.gradients(objective, correct, clock)
    # Before the optimizer is changed: a job that cannot be prepared stays as it was.
    gradients.prepare(synthetic_batch(job), 1 / training.gradient_accumulation)
    step = TrainStep(
        gradients=gradients,
        optimizer_step=recipe.optimizer_step(job, clock, hooks),
        optimizer=job.optimizer,
        parameters=parameters,
        scaler=job.precision.scaler,
        gradient_clip_norm=training.gradient_clip_norm,
        clock=clock,
        correct=correct,
    )
    return DirectEngine(name, step, job.train, learning_rate, training.gradient_accumulation)


def synthetic_batch(job: Job) -> Batch:
    """A batch of the shapes that the job trains on, for an engine that makes numbers for its samples.

    It draws from no generator that training uses.
    """
    generator = torch.Generator().manual_seed(0)
    samples = min(job.preset.data.batch_size, len(job.train))
    inputs = torch.zeros((samples, *job.input_shape), dtype=job.input_type, device=job.device)
    targets: Tensor
    if job.task.kind != "regression":
        # Of a text to be continued, one for each token.
        targets = torch.randint(job.task.outputs, (samples, *job.sample[1].shape), generator=generator)
    else:
        targets = torch.randn((samples, job.task.outputs), generator=generator)
    return Batch(inputs, targets.to(job.device))
