"""The files of a run's checkpoints: two generations, in an order that a kill at any moment leaves usable.

`last.pt` and `previous.pt` are states of training. `best.pt` holds the weights that `last.pt` speaks of, and
`best-previous.pt` those of `previous.pt` where they are others. New best weights wait as `best-pending.pt` until the
`last.pt` that speaks of them is in place. The epoch says which of them belongs to a state, not the name.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from workbench.errors import DamagedCheckpointError
from workbench.files import storage_error
from workbench.runs.checkpoints import (
    best_checkpoint,
    pending_checkpoint,
    previous_best_checkpoint,
    previous_checkpoint,
)
from workbench.runs.directory import RunDirectory
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.state import TrainingState
from workbench.units import count

CPU = torch.device("cpu")
"""Where weights are loaded to read their epoch alone."""


class Generations:
    """The checkpoint files of a run."""

    def __init__(self, run: RunDirectory) -> None:
        self.last = run.last_checkpoint
        self.previous = previous_checkpoint(run)
        self.best = best_checkpoint(run)
        self.pending = pending_checkpoint(run)
        self.previous_best = previous_best_checkpoint(run)
        self._second_name = run.checkpoints / ".previous.pt.tolinkit"

    def keep_previous(self) -> None:
        """Gives the last state the previous one's name too: another is about to take its place. Raises OSError."""
        with suppress(FileNotFoundError):
            self._second_name.unlink()
        if not self.last.exists():
            return
        try:
            os.link(self.last, self._second_name)
        except OSError:  # a disk without hard links: for a moment there is no last.pt, and previous.pt is resumed
            self.last.replace(self.previous)
            return
        self._second_name.replace(self.previous)
        with suppress(FileNotFoundError):
            self._second_name.unlink()  # still there if both were one file already

    def make_room(self) -> bool:
        """On a full disk the last state comes before the one before it; False if there is none to give up."""
        if not (self.last.exists() and self.previous.exists()):
            return False
        with suppress(OSError):
            self.previous.unlink()
            return True
        return False

    def settle_best(self, *, has_new: bool) -> None:
        """Once `last.pt` is in place: new best weights take theirs. Raises StorageError."""
        try:
            if has_new:
                if self.best.exists():
                    self.best.replace(self.previous_best)
                self.pending.replace(self.best)
            else:
                self.previous_best.unlink(missing_ok=True)  # previous.pt and last.pt speak of one and the same
        except OSError as error:
            raise storage_error(self.best, error) from error

    def go_back(self) -> None:
        """Makes the previous state the last one. Raises StorageError."""
        try:
            self.previous.replace(self.last)
        except OSError as error:
            raise storage_error(self.last, error) from error

    def begin_anew(self) -> None:
        """Training begins at step 0: no state speaks of the best weights any more."""
        with suppress(OSError):
            self.pending.unlink(missing_ok=True)
        with suppress(OSError):
            self.best.replace(self.previous_best)

    def fit_best(self, position: TrainingState, *, went_back: bool) -> str:
        """Makes `best.pt` the weights that the position speaks of; returns what has become of lost ones.

        Whenever the trainer was killed or failed, or whatever file is missing or damaged. Raises StorageError.
        """
        problem = f"{self.best} no longer exists"
        rescued = None
        for path in (self.pending, self.best, self.previous_best):
            if not path.exists():
                continue
            try:
                state = checkpoints.load(path, CPU)
            except DamagedCheckpointError as error:
                problem = error.problem
                continue
            if position.best_epoch is not None and state.get("epoch") == position.best_epoch:
                self._make_best(path)
                return ""
            if path == self.best and not went_back and _is_later(state, position):
                rescued = state
        with suppress(OSError):
            self.pending.unlink(missing_ok=True)  # of a time that this run goes through again
        if rescued is not None:
            # From a failed time after this checkpoint: its epoch is the best there are weights of.
            position.best_epoch, position.best_value = rescued["epoch"], rescued["value"]
            position.best_validation = rescued["validation"]
            return ""
        if went_back:
            with suppress(OSError):
                self.best.replace(self.previous_best)
        if position.best_epoch is None:
            return ""
        return (
            f"the weights of the best epoch, {count(position.best_epoch)}, are lost: {problem}. Training continues; "
            "if no later epoch is better, the last epoch's weights are tested"
        )

    def _make_best(self, path: Path) -> None:
        if path == self.best:
            self.pending.unlink(missing_ok=True)
            return
        try:
            if path == self.pending and self.best.exists():
                self.best.replace(self.previous_best)
            path.replace(self.best)
            self.pending.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(self.best, error) from error


def _is_later(best: dict[str, Any], position: TrainingState) -> bool:
    epoch = best.get("epoch")
    return isinstance(epoch, int) and epoch > position.epoch and {"value", "validation", "model"} <= set(best)
