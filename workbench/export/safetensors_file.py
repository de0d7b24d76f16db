"""A trained model as one safetensors file, which alone predicts: weights as tensors, all else as text beside them.

The tensors are exactly those of the model's `state_dict`, so that `safetensors.torch.load_model` reads them too; of
tied ones the first is kept, and the metadata says which it stands for, as `safetensors.torch.save_model` does. The
format has no checksum of its own: the metadata hold a digest of everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench import __version__
from workbench.atomic_files import cause_of_failed_write
from workbench.errors import DamagedCheckpointError, DataError, UsageError, first_line
from workbench.export.plain import bytes_of, from_json, to_json
from workbench.files import open_regular
from workbench.training.checkpointing.trained_model import CPU, TrainedModel

SCHEMA = 1
"""Of the metadata; a file with a higher number was written by a newer version."""

OWN = ("format", "made_by", "schema", "preset", "classes", "epoch", "description", "facts")
"""Keys of the metadata; all others are names of tied tensors."""

AGAIN = "Export the run again: workbench export RUN --to safetensors"
MOST_TEXT_BYTES = 90_000_000
"""Of the metadata: the format allows 100 MB for them and the names of the tensors."""


def save_safetensors(trained: TrainedModel, path: Path, facts: Mapping[str, Any]) -> None:
    """Writes the model. facts: of the run, for people: plain values.

    Raises OSError; DataError where the format cannot hold what the model keeps.
    """
    tensors, metadata = _distinct(trained.model.state_dict())
    described = dict(trained.description)
    values = (
        "pt",  # what other programs look for
        f"workbench {__version__}",
        str(SCHEMA),
        described.pop("preset"),
        json.dumps(described.pop("classes")),
        json.dumps(trained.epoch),
        to_json(described),
        json.dumps(dict(facts)),
    )
    metadata |= dict(zip(OWN, values, strict=True))
    if sum(len(text.encode()) for text in metadata.values()) > MOST_TEXT_BYTES:
        raise DataError("the encoding of the run's samples is larger than a safetensors file can hold beside weights")
    metadata["digest"] = _digest(tensors, metadata)
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise cause_of_failed_write(path, error) from error


def load_safetensors(path: Path, device: torch.device = CPU) -> TrainedModel:
    """The model in a file of `workbench export --to safetensors`, on a device; it needs neither the data nor the run.

    Use it as `TrainedModel.load(best.pt)`: `load_safetensors(path)(raw)` gives probabilities or values, and
    `.description` is what the checkpoint said of the model, a reader of inputs included.

    Raises UsageError where the file is missing, foreign or of a newer version; DamagedCheckpointError;
    UntrustedCodeError or UserCodeError where the code of the user's own model is not trusted or not there.
    """
    tensors, metadata = _read(path)
    _check_origin(path, metadata)
    found = metadata.pop("digest", "")
    try:
        if found != _digest(tensors, metadata):
            raise _damaged(path, "it has changed since it was written")
        described = from_json(metadata["description"])
        described |= {"preset": metadata["preset"], "classes": json.loads(metadata["classes"])}
        epoch = json.loads(metadata["epoch"])
        weights = tensors | {name: tensors[first] for name, first in metadata.items() if name not in OWN}
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(path, first_line(error)) from error
    try:
        return TrainedModel.restored(described, weights, epoch, path, device)
    except DamagedCheckpointError as error:
        raise DamagedCheckpointError(error.problem, AGAIN) from error


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors and the metadata. Raises UsageError, DamagedCheckpointError."""
    try:
        open_regular(path).close()
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  no dict
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except SafetensorError as error:
        raise _damaged(path, first_line(error)) from error


def _check_origin(path: Path, metadata: Mapping[str, str]) -> None:
    """Raises UsageError for a file that is not ours, or of a newer version."""
    if not {"schema", "description", "preset"} <= metadata.keys():
        raise UsageError(
            f"{path} was not written by workbench export: it holds weights alone, and the encoding of samples, the "
            f"class names and the preset are missing. {AGAIN}"
        )
    schema = metadata["schema"]
    if schema.isdecimal() and int(schema) > SCHEMA:
        raise UsageError(
            f"{path} was written by a newer version ({metadata.get('made_by', 'unknown')}), and this is workbench "
            f"{__version__}: update it, or export the run with this version"
        )


def _damaged(path: Path, reason: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(f"{path} is damaged: {reason}", AGAIN)


def _distinct(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors as the format takes them, tied ones once; and of the others, by name, which one they are."""
    kept: dict[str, Tensor] = {}
    tied: dict[str, str] = {}
    first_at: dict[tuple[object, ...], str] = {}
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor):
            raise DataError(f"the model keeps a {type(tensor).__name__} ({name}), and safetensors holds tensors alone")
        place = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in first_at and name not in OWN:
            tied[name] = first_at[place]
            continue
        first_at[place] = name
        # A copy: the format refuses tensors that share memory in part.
        kept[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    return kept, tied


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    whole = hashlib.blake2b(digest_size=32)
    for part in _parts(tensors, metadata):
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.hexdigest()


def _parts(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    for name, tensor in sorted(tensors.items()):
        yield f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode()
        yield bytes_of(tensor)
    for name, text in sorted(metadata.items()):
        yield name.encode()
        yield text.encode()
