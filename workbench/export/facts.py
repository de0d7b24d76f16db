"""What the model formats say of a model beside what it computes, as plain values."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from workbench import __version__
from workbench.export.preparation import preparation_of
from workbench.export.program import inputs_of, output_of, takes_names
from workbench.training.checkpointing.trained_model import TrainedModel


def provenance_of(
    trained: TrainedModel, run_name: str, checkpoint: Path, metrics: dict[str, Any] | None
) -> dict[str, Any]:
    """Where a model comes from. metrics: of the validation after its epoch, where they are known."""
    return {
        "made_by": f"workbench {__version__}",
        "trained_by": f"workbench {trained.description['workbench']}",
        "run": run_name,
        "checkpoint": checkpoint.name,
        "epoch": trained.epoch,
        "metrics": metrics,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def signature_of(trained: TrainedModel) -> dict[str, Any]:
    """What a program takes and gives, what happens before it, and what the classes are called."""
    return {
        "task": trained.task,
        "inputs": [asdict(each) for each in inputs_of(trained)],
        "inputs_by_name": takes_names(trained),
        "output": output_of(trained),
        "classes": list(trained.classes),
        "targets": list(trained.targets),
        "preset": trained.description["preset"],
        **preparation_of(trained),
    }
