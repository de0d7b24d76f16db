"""Compares data with those that a run was trained on, as its last checkpoint describes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import DamagedCheckpointError, DataError
from workbench.prediction.labelled_data import ALL, LabelledData
from workbench.settings.data import Csv
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.course import data_change
from workbench.training.checkpointing.trained_model import CPU, TrainedModel

NOT_KNOWN = "whether the data are still those of the training is not known"


@dataclass(frozen=True)
class TrainedOn:
    """What a run was trained on."""

    digests: dict[str, Any] = field(default_factory=dict)
    """See `course.digests_of`; empty where they are not known."""
    problem: str = ""
    """Why they are not."""

    @classmethod
    def read(cls, last_checkpoint: Path | None) -> TrainedOn:
        """What a last.pt says. None: there is none."""
        if last_checkpoint is None or not last_checkpoint.exists():
            return cls(problem="there is no last.pt beside the model, which would say")
        try:
            saved = checkpoints.load(last_checkpoint, CPU).get("data")
        except DamagedCheckpointError:
            return cls(problem=f"{last_checkpoint}, which would say, is damaged")
        return cls(saved) if isinstance(saved, dict) else cls(problem=f"{last_checkpoint} does not say")

    def changes(self, trained: TrainedModel, found: LabelledData) -> tuple[str, list[str]]:
        """How the run's own data have changed since, empty where they have not; and a note where it is not known.

        Raises DataError where they cannot be read as those were.
        """
        change = data_change(self.digests, found.digests())
        if change and trained.reader is None and isinstance(trained.preset.data, Csv):
            raise DataError(
                f"the data of the run have changed since ({change}), and its checkpoint was written by an earlier "
                "version, which did not keep the columns and categories of its table: train the model again with its "
                "preset"
            )
        return change, [f"{NOT_KNOWN}: {self.problem}"] if self.problem else []

    def has(self, found: LabelledData) -> bool:
        """Whether other data are the very samples, or the very text, that the run was trained on."""
        before, now = self.digests.get("training"), found.digests()["training"]
        if found.split not in (ALL, "train") or not isinstance(before, dict) or not now["inputs"]:
            return False
        is_same_text = bool(now.get("text")) and before.get("text") == now["text"]
        return is_same_text or (before.get("samples"), before.get("inputs")) == (now["samples"], now["inputs"])
