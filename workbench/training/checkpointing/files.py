"""Checkpoints: everything that a run needs to continue as if it had never stopped.

`last.pt` is the state of training, `best.pt` the weights of the best epoch. Both are written whole or not at all, and
read with weights_only=True, so that a checkpoint is data and never code, and only if all checksums in it are right:
PyTorch itself would train on with a bit that has flipped on the disk. Of both the generation before is kept too.
"""

from __future__ import annotations

import pickle
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from workbench.atomic_files import cause_of_failed_write, write_atomically
from workbench.errors import DamagedCheckpointError, first_line
from workbench.files import make_folder, open_regular
from workbench.runs.checkpoints import anew, best_checkpoint
from workbench.runs.directory import RunDirectory

VERSION = 1


def damaged(path: Path, error: Exception) -> DamagedCheckpointError:
    """Makes the error for a checkpoint that cannot be used; it names what else can be, as far as there is something."""
    return DamagedCheckpointError(
        f"the checkpoint {path} is damaged or of another model: {first_line(error)}", _advice(path)
    )


def run_of(checkpoint: Path) -> RunDirectory | None:
    """The run that a checkpoint lies in; None for a file somewhere else."""
    run = RunDirectory(checkpoint.parent.parent)
    return run if checkpoint.parent == run.checkpoints and run.preset.is_file() else None


def _advice(damaged: Path) -> str:
    run = run_of(damaged)
    if run is None:
        return "Copy it again from the folder checkpoints of its run"
    again = f"tart a new run with its preset: {anew(run)}"
    best, last = best_checkpoint(run), run.last_checkpoint
    if damaged == best and _is_whole(last):
        return (
            f"The weights of its last epoch are whole, predict with: workbench predict {shlex.quote(str(last))} INPUT "
            f"(move {best.name} away to evaluate and export them too). Or s{again}"
        )
    if damaged == last and _is_whole(best):
        return (
            f"The weights of its best epoch are whole, predict with: workbench predict {shlex.quote(str(best))} INPUT. "
            f"To train on, s{again}"
        )
    return f"S{again}"


def _is_whole(path: Path) -> bool:
    """Whether a checkpoint is there, and as it was written."""
    try:
        with open_regular(path) as file:
            _check_sums(file)
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
    return True


def save(path: Path, state: dict[str, Any], then: Callable[[], None] | None = None) -> int:
    """Writes a state, all of it or nothing; returns the file's size in bytes. Raises StorageError.

    then: called once the state is written, before it takes its place.
    """

    def write(file: IO[bytes]) -> None:
        try:
            torch.save({"version": VERSION, **state}, file)
        except RuntimeError as error:
            # torch's zip writer turns a failed write into a RuntimeError without the cause.
            raise cause_of_failed_write(Path(file.name), error) from error
        size[0] = file.tell()
        if then is not None:
            then()

    size = [0]
    make_folder(path.parent)
    write_atomically(path, write, parents=False)
    return size[0]


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """The state in a checkpoint, its tensors on `device`. Raises DamagedCheckpointError."""
    try:
        with open_regular(path) as file:
            _check_sums(file)
            state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own words advise to load it all the same, which would execute what is in it.
        raise damaged(path, ValueError("it is something other than a checkpoint")) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise damaged(path, error) from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise damaged(path, ValueError(f"it is not a checkpoint of version {VERSION}"))
    return state


def _check_sums(file: IO[bytes]) -> None:
    """Raises ValueError or BadZipFile if the file is not what was written: PyTorch's reader leaves that unchecked."""
    with zipfile.ZipFile(file) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("it is something other than a checkpoint")
        if (member := archive.testzip()) is not None:
            raise ValueError(f"its part {member} has changed since it was written")
    file.seek(0)
