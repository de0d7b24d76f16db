"""Writes a run's model in a format, loads it again and compares it with the checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.data.inputs import tensors_of
from workbench.export.agreement import compare
from workbench.export.facts import provenance_of
from workbench.export.preparation import sentence_about
from workbench.export.program import inputs_of, output_of
from workbench.export.samples import Raw, batch_of, batches_of, samples_of
from workbench.files import storage_error
from workbench.processes.export import ExportedModel, Request
from workbench.runs.checkpoints import model_checkpoint
from workbench.runs.directory import RunDirectory
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import CPU, TrainedModel

Report = Callable[[str], None]


def write_checked(request: Request, report: Report) -> ExportedModel:
    """Writes the file and compares it. Raises WorkbenchError; the file may then be there in part."""
    run, path = RunDirectory(Path(request.run)), Path(request.path)
    checkpoint = model_checkpoint(run)
    state = checkpoints.load(checkpoint, CPU)  # once: a run that still trains replaces the file
    trained = TrainedModel.of_state(copy.deepcopy(state), checkpoint)
    report(f"exporting to {request.kind}")
    try:
        _writer(request.kind)(trained, path, provenance_of(trained, run.name, checkpoint, state.get("validation")))
    except OSError as error:
        raise storage_error(Path(request.target or request.path), error) from error
    # Built again: whatever an exporter does to a model, the file is compared with the checkpoint.
    trained = TrainedModel.of_state(state, checkpoint)
    report("reading samples to compare on")
    samples = samples_of(trained, lambda progress: report(progress.what))
    batches = batches_of(samples.raw, trained(batch_of(samples.raw, 0, 1)).numel())
    sizes = [_size(batch) for batch in batches]
    report("comparing it with the checkpoint")
    agreement = compare(trained, request.kind, path, batches)
    return ExportedModel(
        checkpoint=checkpoint.name,
        epoch=trained.epoch,
        difference=agreement.difference,
        same_classes=agreement.same_classes,
        samples=sum(sizes),
        batches=sizes,
        origin=samples.origin,
        reason=samples.reason,
        notes=_notes(trained, request.kind),
    )


def _writer(kind: str) -> Callable[[TrainedModel, Path, dict[str, Any]], None]:
    """What writes a kind, imported only then: onnx is an extra."""
    if kind == "safetensors":
        from workbench.export.safetensors_file import save_safetensors

        return save_safetensors
    if kind == "torch_export":
        from workbench.export.torch_export import save_torch_export

        return save_torch_export
    from workbench.export.onnx_file import save_onnx

    return save_onnx


def _size(batch: Raw) -> int:
    return len(batch) if isinstance(batch, list) else len(tensors_of(batch)[0])


def _notes(trained: TrainedModel, kind: str) -> list[str]:
    """How the file is used."""
    if kind == "safetensors":
        return ["predict with it: workbench predict FILE INPUT"]
    taken = " and ".join(
        f"{each.name}, {each.type} (n, {', '.join(map(str, each.shape))})" for each in inputs_of(trained)
    )
    notes = [f"it takes {taken}, and gives {output_of(trained)}"]
    if kind == "torch_export":
        notes.append("load it with: torch.export.load(FILE).module()")
    if sentence := sentence_about(trained):
        place = "workbench.json in the file" if kind == "torch_export" else "the metadata of the file"
        notes.append(f"{sentence} ({place} has the details)")
    return notes
