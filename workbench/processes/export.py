"""The request to the process that exports a run's model, and its answer: how the file agrees with the checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress


@dataclass(frozen=True)
class Request:
    """An export of a run's model."""

    run: str
    """Its directory."""
    kind: str
    """safetensors, torch_export or onnx."""
    path: str
    """The file to write; it does not exist."""
    target: str = ""
    """Where it will be put, which is what errors name; empty where it stays there."""


@dataclass(frozen=True)
class ExportedModel:
    """The answer: the file is written, and gives what the checkpoint gives."""

    checkpoint: str
    """The file with the weights: best.pt, or last.pt where the run keeps no best epoch."""
    epoch: int | None
    """After which the weights of best.pt were kept."""
    difference: float
    """The largest absolute difference of a probability, or of a value in the data's own units."""
    same_classes: float | None
    """The fraction of predicted classes that are the same; None for values."""
    samples: int
    """How many samples were compared."""
    batches: list[int]
    """In batches of these sizes."""
    origin: str
    """Of the samples: validation, training or random."""
    reason: str
    """Why they are not of the validation split; empty where they are."""
    notes: list[str] = field(default_factory=list)
    """How the file is used, a sentence a line."""


KINDS: dict[str, type] = {ANSWER: ExportedModel}


async def export_model(process: MeasuringProcess, request: Request) -> AsyncIterator[Progress | ExportedModel]:
    """Exports a run's model in a process of `Module.EXPORT`; yields its messages, the answer last.

    Raises WorkbenchError; the file may then be there in part.
    """
    async for message in process.ask(request, KINDS):
        yield message
