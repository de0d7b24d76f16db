"""Judges a cross-validation: each fold by itself, and the answers for all samples together, in a process of its own.

The process reads an `OutOfFoldRequest` from its standard input; its last line of output is an `OutOfFold` or a
`Failure`. The caller needs no PyTorch.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from workbench.errors import TrainerLostError
from workbench.processes.messages import Failure, decode, encode, last_object
from workbench.processes.modules import Module, command_line
from workbench.processes.worker import not_started
from workbench.runs.typed import metrics


@dataclass(frozen=True)
class OutOfFoldRequest:
    """The folds of a cross-validation, which are trained."""

    preset: str
    """Path of the preset."""
    scores: tuple[str, ...]
    """Paths of what each model answered for the samples that it left out, in the order of the folds."""


@dataclass(frozen=True)
class OutOfFold:
    """How good the models are on the samples that each has left out."""

    monitor: str
    """The metric that the models were judged by."""
    samples: tuple[int, ...]
    """Left out by each fold."""
    folds: list[dict[str, Any]]
    """The metrics of each fold; None for one that is not defined for so few samples."""
    pooled: Annotated[dict[str, Any], metrics]
    """The metrics of all these samples together. The loss is the mean over them, each by the model without it."""


def read_judged(path: Path, folds: int) -> OutOfFold | None:
    """What the process that trained all folds together has judged already; None where it has not done that."""
    try:
        judged = decode(OutOfFold, json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None
    return judged if len(judged.samples) == folds else None


def judge_out_of_fold(preset: Path, scores: Sequence[Path]) -> OutOfFold:
    """Judges the folds of a cross-validation, and waits for it. Raises WorkbenchError.

    preset: its file. scores: what each fold's model answered for the samples that it left out, as it was written.
    """
    request = OutOfFoldRequest(str(preset), tuple(map(str, scores)))
    try:
        finished = subprocess.run(
            command_line(Module.OUT_OF_FOLD), input=encode(request).encode(), capture_output=True, check=False
        )
    except OSError as error:
        raise not_started(error) from error
    try:
        values = last_object(finished.stdout)
        answer = decode(Failure, values) if "error" in values else decode(OutOfFold, values)
    except ValueError:
        problem = finished.stderr.decode(errors="replace").strip()
        raise TrainerLostError(f"the folds could not be judged together: {problem}") from None
    if isinstance(answer, Failure):
        raise answer.as_error()
    return answer
