"""Measures how long a training step takes, in a fraction of a second: for a preview, which says about."""

from __future__ import annotations

from dataclasses import replace

import torch

from workbench.training.batches import OnDeviceBatches
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.job import Job
from workbench.training.step_runner import StepRunner
from workbench.training.timing.clock import PhaseClock
from workbench.training.tuning.pace import Effort, pace_of

QUICK = Effort(warm_steps=3, warm_seconds=0.1, least_seconds=0.1, most_seconds=0.4)
CAPTURED = Effort(warm_steps=8, warm_seconds=0.5, least_seconds=0.1, most_seconds=1.0)
"""On a GPU, where a step is captured first."""
MOST_FLOPS = 2_000_000_000
"""Of a step that is measured, about a tenth of a second on two cores; of a larger one fewer samples are measured."""


def step_ms_of(job: Job, flops_per_step: int | None) -> float | None:
    """Milliseconds of an optimizer step of the eager engine. None where it would take too long to measure.

    job: is trained, and of no further use. flops_per_step: of the whole step. Of larger steps a part of the batch is
    measured, and the rest is taken to take as long for each sample. Raises whatever training raises.
    """
    if not isinstance(job.train, OnDeviceBatches):
        return None  # a DataLoader's processes would be started, and the disk would be measured
    batches = job.preset.training.gradient_accumulation
    batch_size = measured = job.preset.data.batch_size
    if flops_per_step is not None and flops_per_step > batches * MOST_FLOPS:
        measured = batch_size * batches * MOST_FLOPS // flops_per_step
    if measured < 1:
        return None
    job.train.batch_size = measured
    quick = ["runtime.engine=eager", f"data.batch_size={measured}", "training.gradient_accumulation=1"]
    return (
        1000 * _step_seconds(replace(job, preset=job.preset.override(quick)), QUICK) * batches * batch_size / measured
    )


def gpu_step_ms_of(job: Job, peak_bytes: int | None) -> float | None:
    """Milliseconds of an optimizer step of the job's own engine on a GPU. None where it is not measured.

    That is where the expected peak is not known or takes more than half of the free memory: others may need it. Nor is
    it where a step would be compiled first, or where a DataLoader reads. Raises whatever training raises.
    """
    free, _ = torch.cuda.mem_get_info(job.device)
    fits = peak_bytes is not None and 2 * peak_bytes <= free
    if not fits or not isinstance(job.train, OnDeviceBatches) or job.preset.runtime.engine == "compiled":
        return None
    return 1000 * _step_seconds(job, CAPTURED)


def _step_seconds(job: Job, effort: Effort) -> float:
    rate = job.preset.optimizer.learning_rate
    engine = make_engine(job, PhaseClock(), lambda step: rate, EngineHooks()).engine
    return pace_of(StepRunner(job, engine).run_counted, effort=effort).step_seconds
