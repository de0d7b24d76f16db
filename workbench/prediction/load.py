"""Loads a trained model from a run, a checkpoint, or a file that was exported."""

from __future__ import annotations

from pathlib import Path

import torch

from workbench.errors import NoPresetError, UsageError
from workbench.runs.checkpoints import model_checkpoint
from workbench.runs.directory import RunDirectory
from workbench.runs.own_loop import read_own_loop
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.trained_model import CPU, TrainedModel

CHECKPOINT, SAFETENSORS = ".pt", ".safetensors"


def model_file(path: Path) -> Path:
    """The file of a model: `path` itself, or of a run's directory its best checkpoint, else the last one.

    Raises DataError where there is none, and NoPresetError where a loop of the user's own keeps it.
    """
    if not path.is_dir():
        return path
    run = RunDirectory(path)
    if (own := read_own_loop(run.preset)) is not None:
        raise NoPresetError(f"the run {run.name} was made by {own.maker}, which keeps its model itself: none is here")
    return model_checkpoint(run)


def last_checkpoint_beside(file: Path) -> Path | None:
    """The state of training of the run whose checkpoint a file is; None for a file that is elsewhere."""
    last = RunDirectory(file.parent.parent).last_checkpoint
    return last if file.suffix == CHECKPOINT and file.parent == last.parent and last.exists() else None


def load_model(path: Path, device: torch.device = CPU, *, trust_code: bool = False) -> TrainedModel:
    """The model of a run's directory, a checkpoint or a .safetensors file, in evaluation mode on `device`.

    trust_code: whether the code that its preset names may run from now on. Raises DataError or UsageError where there
    is no model, DamagedCheckpointError, and UntrustedCodeError or UserCodeError.
    """
    file = model_file(path)
    if not file.exists():
        raise UsageError(f"{path} does not exist")
    if file.suffix not in (CHECKPOINT, SAFETENSORS):
        raise UsageError(f"{path} is neither a run, a checkpoint (best.pt, last.pt) nor a .safetensors file")
    if file.suffix == CHECKPOINT:
        state = checkpoints.load(file, CPU)
        if trust_code:
            described = state.get("description")
            _trust_code_of(described.get("preset") if isinstance(described, dict) else None, file)
        return TrainedModel.of_state(state, file, device)
    if trust_code:
        _trust_code_of(_preset_in(file), file)
    from workbench.export.safetensors_file import load_safetensors

    return load_safetensors(file, device)


def _trust_code_of(text: object, file: Path) -> None:
    """Stores that the code of the preset from a file may run; where there is no preset, loading says why."""
    if isinstance(text, str):
        for reference, _ in Preset.from_toml(text, str(file)).code_calls():
            code.trust(reference)


def _preset_in(file: Path) -> object:
    """The preset in a .safetensors file; None where it has none, or cannot be read."""
    import safetensors

    try:
        with safetensors.safe_open(file, "pt") as opened:
            return (opened.metadata() or {}).get("preset")
    except (OSError, safetensors.SafetensorError):
        return None
