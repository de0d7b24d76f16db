"""Runs with a checkpoint of weights that were only drawn: an export does not care how good they are."""

from __future__ import annotations

from pathlib import Path

import torch

from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import TrainedModel, description_of
from workbench.training.job import Job, build_job
from workbench.training.timing.clock import PhaseClock

METRICS = {"loss": 0.5, "accuracy": 0.75}


def drawn_job(*assignments: str) -> Job:
    """All parts of a run; batch norm has seen one batch, so that its means are not 0."""
    preset = Preset().override(["runtime.device=cpu", "runtime.num_workers=0", "data.batch_size=16", *assignments])
    job = build_job(preset, lambda progress: None)
    with torch.no_grad():
        for batch in job.train.batches(torch.arange(16), PhaseClock()):
            job.model.train()(batch.inputs)
    return job


def drawn_run(folder: Path, *assignments: str) -> RunDirectory:
    """A run with a checkpoint of its best epoch."""
    job = drawn_job(*assignments)
    run = create_run(folder, job.preset.name, job.preset.to_toml())
    state = {"model": job.model.state_dict(), "epoch": 3, "validation": METRICS, "description": description_of(job)}
    checkpoints.save(best_checkpoint(run), state)
    return run


def drawn_model(folder: Path, *assignments: str) -> TrainedModel:
    """The model in it."""
    return TrainedModel.load(best_checkpoint(drawn_run(folder, *assignments)))
