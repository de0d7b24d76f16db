"""Writes a trained model as a .pt2 file: a program of PyTorch's own operators, which needs no code but torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from workbench.errors import WorkbenchError, first_line
from workbench.export.facts import signature_of
from workbench.export.program import Program, example_of, inputs_of, takes_names
from workbench.training.checkpointing.trained_model import TrainedModel

EXTRA_FILE = "workbench.json"
"""The file inside it that says what the program takes and gives: `torch.export.load(file, extra_files={NAME: ""})`."""


class ExportError(WorkbenchError):
    """A model that a format cannot express."""


def save_torch_export(trained: TrainedModel, path: Path, facts: Mapping[str, Any]) -> None:
    """Writes the program. facts: of the run. Raises ExportError, OSError."""
    described = json.dumps(signature_of(trained) | dict(facts))
    program = exported_program(trained)
    with path.open("wb") as file:
        try:
            torch.export.save(program, file, extra_files={EXTRA_FILE: described})
        except RuntimeError as error:
            # torch's zip writer turns a failed write into a RuntimeError without the cause.
            raise OSError(28, "the disk is probably full") from error


def exported_program(trained: TrainedModel) -> torch.export.ExportedProgram:
    """The program, for batches of any size. Raises ExportError."""
    with torch.no_grad():
        try:
            return torch.export.export(
                Program(trained).eval(),
                (example_of(trained),),
                dynamic_shapes=dynamic_shapes(trained),
                strict=False,
            )
        except Exception as error:  # whatever the user's model does that cannot be traced
            raise ExportError(f"PyTorch cannot export this model: {first_line(error)}") from error


def dynamic_shapes(trained: TrainedModel) -> tuple[Any, ...]:
    """Says to PyTorch's exporters that the first dimension of each input is the batch."""
    batch = torch.export.Dim("batch", min=1)
    if takes_names(trained):
        return ({each.name: {0: batch} for each in inputs_of(trained)},)
    return ({0: batch},)
