"""Plain values and tensors as JSON and back, exactly: what a checkpoint holds beside the weights, as text.

JSON has neither tensors, tuples, bytes nor keys that are no text; each becomes an object of one key that begins with
TAG.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from workbench.data.inputs import dtype_named

TAG = "$"


def to_json(value: object) -> str:
    """The value as JSON. Raises TypeError for what is neither a plain value nor a tensor."""
    return json.dumps(_plain(value))


def from_json(text: str) -> Any:
    """The value again. Raises ValueError, TypeError or LookupError where the text is not of `to_json`."""
    return _restored(json.loads(text))


def bytes_of(tensor: Tensor) -> memoryview:
    """The bytes of a tensor, in its order and as this machine keeps them."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def _plain(value: object) -> object:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith(TAG) for key in value):
            return {key: _plain(each) for key, each in value.items()}
        return {f"{TAG}mapping": [[_plain(key), _plain(each)] for key, each in value.items()]}
    if isinstance(value, tuple):
        return {f"{TAG}tuple": [_plain(each) for each in value]}
    if isinstance(value, bytes):
        return {f"{TAG}bytes": _base64(value)}
    if isinstance(value, torch.dtype):
        return {f"{TAG}dtype": _name_of(value)}
    if isinstance(value, Tensor):
        return {f"{TAG}tensor": [_name_of(value.dtype), list(value.shape), _base64(bytes_of(value))]}
    raise TypeError(f"a {type(value).__name__} is neither a plain value nor a tensor")


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return [_restored(each) for each in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith(TAG):
        return {key: _restored(each) for key, each in value.items()}
    [held] = value.values()
    match tag.removeprefix(TAG):
        case "mapping":
            return {_restored(key): _restored(each) for key, each in held}
        case "tuple":
            return tuple(_restored(each) for each in held)
        case "bytes":
            return base64.b64decode(held)
        case "dtype":
            return dtype_named(held)
        case "tensor":
            return _tensor(*held)
    raise ValueError(f"{tag} is unknown")


def _tensor(dtype: str, shape: list[int], content: str) -> Tensor:
    held = bytearray(base64.b64decode(content))
    flat = torch.frombuffer(held, dtype=dtype_named(dtype)) if held else torch.empty(0, dtype=dtype_named(dtype))
    return flat.reshape(shape)


def _base64(content: bytes | memoryview) -> str:
    return base64.b64encode(content).decode()


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
