"""Checkpoints: everything that a run needs to go on as if it had never stopped.

`last.pt` is the state of training, `best.pt` the weights of the best epoch. Both are written whole or not at all, and
read with weights_only=True, so that a checkpoint is data and never code.
"""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from workbench.errors import StorageError
from workbench.files import write_atomically
from workbench.runs.directory import RunDirectory

VERSION = 1


def last_checkpoint(run: RunDirectory) -> Path:
    """The state of training."""
    return run.checkpoints / "last.pt"


def best_checkpoint(run: RunDirectory) -> Path:
    """The weights of the best epoch."""
    return run.checkpoints / "best.pt"


def save(path: Path, state: dict[str, Any]) -> int:
    """Writes a state, all of it or nothing; returns the file's size in bytes. Raises StorageError."""

    def write(file: IO[bytes]) -> None:
        try:
            torch.save({"version": VERSION, **state}, file)
        except RuntimeError as error:
            # torch's zip writer turns a failed write into a RuntimeError without the cause.
            raise OSError(28, "the disk is probably full") from error

    write_atomically(path, write)
    return path.stat().st_size


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """The state in a checkpoint, its tensors on the host (random states) or on `device`. Raises StorageError."""
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(f"the checkpoint {path} cannot be read: {reason}") from error
    if state.get("version") != VERSION:
        raise StorageError(f"the checkpoint {path} is of version {state.get('version')}, not {VERSION}")
    return state


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of all random generators that training can draw from, as tensors and plain numbers."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": (
            str(name),
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(position),
            int(has_gauss),
            float(gauss),
        ),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Sets the generators to what `random_state` gave."""
    torch.set_rng_state(state["torch"].cpu())
    random.setstate(state["python"])
    name, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, gauss))
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)


def seed_everything(seed: int) -> None:
    """Seeds all generators that training can draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
