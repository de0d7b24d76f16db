"""Pictures of a sample: of each kind of data, small enough to be sent and drawn in a terminal.

A new kind is a function here, a line in `PICTURES`, and its place in `kinds_of`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workbench.data.statistics import IMAGE_DIMENSIONS, ROW_DIMENSIONS
from workbench.processes import data as messages
from workbench.training.describing.source import Source

MOST_PIXELS = 64
"""The longer side of a picture."""
MOST_NUMBERS = 40
"""Of a row."""
DIGITS = 6
"""Significant digits of a number that is sent."""


def kinds_of(raw: Any) -> tuple[str, ...]:
    """The kinds of pictures that show a sample, as the source gives it."""
    if isinstance(raw, Tensor) and raw.dim() == IMAGE_DIMENSIONS and raw.dtype != torch.int64:
        return ("image",)
    return ("row",)


def pictures_of(raw: Any, source: Source) -> dict[str, Any]:
    """The pictures of a sample, by the field of `messages.Sample` that holds each."""
    return {kind: PICTURES[kind](raw, source) for kind in kinds_of(raw)}


def row(raw: Any, source: Source) -> messages.Row:
    """The numbers of a sample, those of tensors by name one after another."""
    tensors = dict(raw) if isinstance(raw, Mapping) else {"": raw}
    names = [name for key, tensor in tensors.items() for name in _names(key, tensor, source)]
    values = [value for tensor in tensors.values() for value in _first(tensor)]
    encoded = []
    if isinstance(raw, Tensor) and raw.is_floating_point():
        made = source.encoded(raw)
        encoded = _first(made) if isinstance(made, Tensor) and made.shape == raw.shape else []
    total = sum(tensor.numel() for tensor in tensors.values())
    kept = slice(MOST_NUMBERS)
    return messages.Row(names[kept], values[kept], encoded[kept], max(total - MOST_NUMBERS, 0))


def _names(key: str, tensor: Tensor, source: Source) -> list[str]:
    if not key and tensor.dim() == ROW_DIMENSIONS and len(source.samples.columns) == len(tensor):
        return list(source.samples.columns[:MOST_NUMBERS])
    if tensor.dim() == 0:
        return [key]
    places = torch.unravel_index(torch.arange(min(tensor.numel(), MOST_NUMBERS)), tensor.shape)
    return [f"{key}[{', '.join(map(str, place))}]" for place in zip(*(each.tolist() for each in places), strict=True)]


def _first(tensor: Tensor) -> list[float | None]:
    return [rounded(value) for value in tensor.reshape(-1)[:MOST_NUMBERS].tolist()]


def rounded(value: float) -> float | None:
    """The value with the digits that are shown; whole numbers as they are; None where it is not finite."""
    if not math.isfinite(value):
        return None
    return value if float(value).is_integer() and abs(value) < 2**53 else float(f"{value:.{DIGITS}g}")


def image(raw: Tensor, source: Source) -> messages.Image:
    """An image (channels, height, width); of more than three channels, or two, the first alone."""
    shown = raw[:3] if len(raw) in (3, 4) else raw[:1]
    values = shown.float()
    black = white = None
    if raw.dtype != torch.uint8:
        values = values.nan_to_num(0.0, 0.0, 0.0)
        black, white = float(values.min()), float(values.max())
        values = (values - black) * (255 / ((white - black) or 1.0))
    small = reduced(values, MOST_PIXELS, MOST_PIXELS)
    channels, height, width = small.shape
    pixels = small.round().clamp(0, 255).int().flatten().tolist()
    return messages.Image(channels, height, width, pixels, black, white)


def reduced(values: Tensor, most_rows: int, most_columns: int) -> Tensor:
    """Values (channels, rows, columns) averaged to at most that many rows and columns, in their proportion."""
    rows, columns = values.shape[1:]
    scale = min(most_rows / rows, most_columns / columns, 1.0)
    size = max(round(rows * scale), 1), max(round(columns * scale), 1)
    return values if scale == 1.0 else functional.adaptive_avg_pool2d(values, size)


PICTURES: dict[str, Callable[[Any, Source], Any]] = {"row": row, "image": image}
