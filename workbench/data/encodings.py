"""All encodings by name, and how one is kept in a checkpoint: as plain data, never as code."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from workbench.data.encoding import Encoding, Identity, Standardize
from workbench.errors import UserCodeError

ENCODINGS: dict[str, type[Encoding]] = {encoding.name: encoding for encoding in (Identity, Standardize)}


def saved_encoding(encoding: Encoding) -> dict[str, Any]:
    """The encoding as plain data, its tensors on the host. Raises UserCodeError where an argument is no such data."""
    arguments = {
        str(name): _plain(value, f"argument {name!r} of the encoding {encoding.name!r}")
        for name, value in encoding.arguments().items()
    }
    return {"name": str(encoding.name), "arguments": arguments}


def _plain(value: object, where: str) -> object:
    """The value as a checkpoint can hold it, which is read with weights_only=True."""
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
        f"{where} is a {type(value).__name__}, which a checkpoint cannot hold; give tensors, numbers and strings of "
        "Python's own types, or lists and dictionaries of them"
    )


def restored_encoding(saved: dict[str, Any]) -> Encoding:
    """The encoding that `saved_encoding` described. Raises LookupError or TypeError where it describes none."""
    name, arguments = saved["name"], saved["arguments"]
    if name not in ENCODINGS:
        raise LookupError(f"its encoding {name!r} is not one of those known here, {', '.join(ENCODINGS)}")
    return ENCODINGS[name](**arguments)
