"""All encodings by name, and how one is kept in a checkpoint: as plain data, never as code."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from workbench.data.encoding import Encoding, Identity, Standardize

ENCODINGS: dict[str, type[Encoding]] = {encoding.name: encoding for encoding in (Identity, Standardize)}


def saved_encoding(encoding: Encoding) -> dict[str, Any]:
    """The encoding as plain data, its tensors on the host."""
    arguments = {
        name: value.detach().cpu() if isinstance(value, Tensor) else value
        for name, value in encoding.arguments().items()
    }
    return {"name": encoding.name, "arguments": arguments}


def restored_encoding(saved: dict[str, Any]) -> Encoding:
    """The encoding that `saved_encoding` described. Raises LookupError or TypeError where it describes none."""
    return ENCODINGS[saved["name"]](**saved["arguments"])
