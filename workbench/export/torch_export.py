"""Writes a trained model as a .pt2 file: a program of PyTorch's own operators, which needs no code but torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from workbench.atomic_files import cause_of_failed_write
from workbench.data.spectrogram import LogMel
from workbench.errors import WorkbenchError
from workbench.export.facts import signature_of
from workbench.export.program import Program, example_of, inputs_of, takes_names
from workbench.training.checkpointing.trained_model import TrainedModel

Made = TypeVar("Made")

EXTRA_FILE = "workbench.json"
"""The file inside it that says what the program takes and gives: `torch.export.load(file, extra_files={NAME: ""})`."""


class ExportError(WorkbenchError):
    """A model that a format cannot express."""


def save_torch_export(trained: TrainedModel, path: Path, facts: Mapping[str, Any]) -> None:
    """Writes the program. facts: of the run. Raises ExportError, OSError."""
    described = json.dumps(signature_of(trained) | dict(facts))
    program = with_other_spectra(trained, partial(exported_program, trained))
    _forget_source(program)
    with path.open("wb") as file:
        try:
            torch.export.save(program, file, extra_files={EXTRA_FILE: described})
        except RuntimeError as error:
            # torch's zip writer turns a failed write into a RuntimeError without the cause.
            raise cause_of_failed_write(path, error) from error


def _forget_source(program: torch.export.ExportedProgram) -> None:
    """Removes what the exporter notes of each node: the paths and lines of this machine's source code."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)


def with_other_spectra(trained: TrainedModel, export: Callable[[bool], Made]) -> Made:
    """What `export` makes; of a spectrogram whose Fourier transform it cannot export, by convolutions instead.

    export: takes whether spectra are made by convolutions. Raises ExportError.
    """
    try:
        return export(False)
    except ExportError:
        if not isinstance(trained.encoding, LogMel):
            raise
    return export(True)


def exported_program(trained: TrainedModel, by_convolution: bool) -> torch.export.ExportedProgram:
    """The program, for batches of any size. Raises ExportError."""
    program = Program(trained, by_convolution=by_convolution).eval()
    example, shapes = example_of(trained), dynamic_shapes(trained)
    with torch.no_grad():
        try:
            return torch.export.export(program, (example,), dynamic_shapes=shapes, strict=False)
        except Exception as error:
            # By reading the code rather than running it, PyTorch may take what it cannot take otherwise, such as NumPy.
            with suppress(Exception):
                return torch.export.export(program, (example,), dynamic_shapes=shapes, strict=True)
            raise ExportError(f"PyTorch cannot export this model: {cause_of(error)}") from error


def dynamic_shapes(trained: TrainedModel) -> tuple[Any, ...]:
    """Says to PyTorch's exporters that the first dimension of each input is the batch."""
    # PyTorch 2.6 takes attention for a batch of any size below a bound only.
    batch = torch.export.Dim("batch", min=1, max=2**31 - 1)
    if takes_names(trained):
        return ({each.name: {0: batch} for each in inputs_of(trained)},)
    return ({0: batch},)


def cause_of(error: BaseException) -> str:
    """What an exporter's error says, in one line: torch may begin with a general one, and list causes after it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    return next(iter([*causes, *lines]), type(error).__name__)
