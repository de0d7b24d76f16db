"""All encodings by name, and how a checkpoint stores one: as plain data, not as code."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from workbench.data.bpe import Bpe
from workbench.data.encoding import Encoding, Identity, Standardize
from workbench.data.imputation import Imputed
from workbench.data.spectrogram import LogMel, Mfcc, Waveform
from workbench.data.text_encoding import Bytes, Characters, Words
from workbench.errors import UserCodeError

ENCODINGS: dict[str, type[Encoding]] = {
    encoding.name: encoding
    for encoding in (
        *(Identity, Standardize, Imputed),
        *(Words, Characters, Bytes, Bpe),
        *(LogMel, Mfcc, Waveform),
    )
}


def saved_encoding(encoding: Encoding) -> dict[str, Any]:
    """Returns the encoding as plain data, with tensors on the host. Raises UserCodeError for any other argument."""
    arguments = {
        str(name): _plain(value, f"argument {name!r} of the encoding {encoding.name!r}")
        for name, value in encoding.arguments().items()
    }
    return {"name": str(encoding.name), "arguments": arguments}


def _plain(value: object, where: str) -> object:
    """Converts the value to what torch.load can read with weights_only=True."""
    if type(value) in (Tensor, nn.Parameter):
        return cast(Tensor, value).detach().cpu()
    if isinstance(value, (list, tuple)):
        items = [_plain(item, where) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {_plain(key, where): _plain(item, where) for key, item in value.items()}
    if value is None or type(value) in (bool, int, float, str, bytes, torch.dtype):
        return value
    raise UserCodeError(
        f"{where} is a {type(value).__name__}, which a checkpoint cannot store; use tensors, Python numbers and "
        "strings, or lists and dictionaries of them"
    )


def restored_encoding(saved: dict[str, Any]) -> Encoding:
    """Builds the encoding that `saved_encoding` stored. Raises LookupError or TypeError if it cannot be built."""
    name, arguments = saved["name"], saved["arguments"]
    if name not in ENCODINGS:
        raise LookupError(f"its encoding {name!r} is unknown; known are {', '.join(ENCODINGS)}")
    return ENCODINGS[name](**arguments)
