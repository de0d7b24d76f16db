"""Where the checkpoints of a run are, and which of them is its model.

`workbench.training.checkpointing` writes and reads them; whoever only names one needs no PyTorch.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from workbench.errors import DataError
from workbench.runs.directory import RunDirectory


def best_checkpoint(run: RunDirectory) -> Path:
    """The weights of the best epoch."""
    return run.checkpoints / "best.pt"


def pending_checkpoint(run: RunDirectory) -> Path:
    """The weights of a new best epoch, until the state of training that speaks of it is written."""
    return run.checkpoints / "best-pending.pt"


def previous_checkpoint(run: RunDirectory) -> Path:
    """The state of training before the last one."""
    return run.checkpoints / "previous.pt"


def previous_best_checkpoint(run: RunDirectory) -> Path:
    """The weights that `previous.pt` speaks of, where they are others than those of `best.pt`."""
    return run.checkpoints / "best-previous.pt"


def has_model(run: RunDirectory) -> bool:
    """Whether there are weights to use."""
    return best_checkpoint(run).exists() or run.last_checkpoint.exists()


def model_checkpoint(run: RunDirectory) -> Path:
    """The weights to use of a run: of its best epoch, or the last ones where none is kept. Raises DataError."""
    for file in (best_checkpoint(run), run.last_checkpoint):
        if file.exists():
            return file
    raise DataError(
        f"the run {run.name} has no checkpoint, so there is no model: it ended before its first one, or has not "
        f"reached it yet. Start it again with: {anew(run)}"
    )


def can_be_resumed(run: RunDirectory) -> bool:
    """Whether there is a state of training, the last one or the one before."""
    return run.last_checkpoint.exists() or previous_checkpoint(run).exists()


def anew(run: RunDirectory) -> str:
    """The command that starts the run again from the beginning."""
    return f"workbench --preset {shlex.quote(str(run.preset))}"
