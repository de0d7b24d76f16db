"""The answers of a cross-validation's run for the samples that it left out: kept in its directory, to be pooled."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from workbench.atomic_files import write_atomically
from workbench.errors import StorageError
from workbench.files import open_regular
from workbench.runs.typed import metrics as as_metrics

DAMAGES = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, EOFError, BadZipFile, zlib.error)
"""What reading a file raises that is not what was written."""


@dataclass(frozen=True)
class ValidationScores:
    """What a model answers for the validation split, and how good that is."""

    scores: Tensor
    """float32 or float64 (samples, outputs), on the host: raw scores of classes, or numbers in the data's own units."""
    targets: Tensor
    """int64 (samples,), or numbers (samples, outputs), in the same units."""
    metrics: dict[str, Any]
    """Of these samples, and the loss."""

    def save(self, path: Path) -> None:
        """Writes them, all of it or nothing. Raises StorageError."""
        write_atomically(
            path,
            lambda file: np.savez(
                file,
                scores=self.scores.numpy(),
                targets=self.targets.numpy(),
                metrics=np.array(json.dumps(self.metrics)),
            ),
            parents=False,
        )

    @classmethod
    def read(cls, path: Path) -> ValidationScores:
        """Reads what was saved. Raises StorageError where it is missing or damaged."""
        try:
            with open_regular(path) as file, np.load(file, allow_pickle=False) as arrays:
                scores, targets = torch.from_numpy(arrays["scores"]), torch.from_numpy(arrays["targets"])
                found = as_metrics(json.loads(str(arrays["metrics"])))
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror or error}; train that run again") from error
        except DAMAGES as error:
            raise StorageError(f"{path} is damaged ({error}); train that run again") from error
        if scores.dim() != 2 or len(scores) != len(targets):
            raise StorageError(
                f"{path} is damaged: {len(scores)} scores for {len(targets)} samples; train that run again"
            )
        return cls(scores, targets, found)


@dataclass
class ScoreCollector:
    """Gathers the scores of an evaluation, batch by batch; nothing waits for the device before the end."""

    _scores: list[Tensor] = field(default_factory=list)
    _targets: list[Tensor] = field(default_factory=list)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Keeps a batch. The engine may write the next one into the same memory."""
        self._scores.append(scores.clone())
        self._targets.append(targets.clone())

    def gathered(self, metrics: dict[str, Any]) -> ValidationScores:
        """All that was added."""
        return ValidationScores(torch.cat(self._scores).cpu(), torch.cat(self._targets).cpu(), metrics)
