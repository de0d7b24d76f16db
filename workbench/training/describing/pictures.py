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

from workbench.data.spectrogram import LogMel, Mfcc, Waveform, as_float
from workbench.data.statistics import IMAGE_DIMENSIONS, ROW_DIMENSIONS
from workbench.data.text_encoding import TextEncoding
from workbench.data.tokens import PAD
from workbench.processes import data as messages
from workbench.training.describing.source import Source

MOST_PIXELS = 64
"""The longer side of a picture."""
LEAST_SIDE = 2
"""A tensor that is narrower is shown as a row."""
MOST_NUMBERS = 40
"""Of a row."""
MOST_CHARACTERS, MOST_TOKENS = 1000, 60
"""Of a text."""
MOST_COLUMNS = 128
"""Of a sound: moments."""
DARK, BRIGHT = 0.02, 0.995
"""Quantiles of a spectrogram that are drawn black and in the brightest colour."""
DIGITS = 6
"""Significant digits of a number that is sent."""


def kinds_of(raw: Any, source: Source) -> tuple[str, ...]:
    """The kinds of pictures that show a sample, as the source gives it."""
    encoding = source.data.encoding
    if isinstance(encoding, TextEncoding):
        return ("text",)
    if isinstance(encoding, LogMel):
        return ("waveform", "spectrogram")
    if isinstance(encoding, Waveform):
        return ("waveform",)
    return ("image",) if isinstance(raw, Tensor) and _is_image(raw) else ("row",)


def _is_image(raw: Tensor) -> bool:
    """Whether numbers are in rows and columns; (height, width) is one of a single channel."""
    is_grid = raw.dim() in (IMAGE_DIMENSIONS - 1, IMAGE_DIMENSIONS) and min(raw.shape[-2:]) >= LEAST_SIDE
    return is_grid and raw.dtype != torch.int64


def pictures_of(raw: Any, source: Source) -> dict[str, Any]:
    """The pictures of a sample, by the field of `messages.Sample` that holds each."""
    return {kind: PICTURES[kind](raw, source) for kind in kinds_of(raw, source)}


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
    """An image (channels, height, width) or (height, width); of more than four channels, or two, the first alone."""
    raw = raw if raw.dim() == IMAGE_DIMENSIONS else raw.unsqueeze(0)
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


def text(raw: str | Tensor, source: Source) -> messages.Text:
    """The start of a text and its first tokens; a tensor of ids is a part of a longer text."""
    encoding = source.data.encoding
    assert isinstance(encoding, TextEncoding)
    if isinstance(raw, str):
        ids, whole, kept = encoding.ids([raw])[0], raw, encoding.length
    else:
        ids = [each for each in raw.tolist() if each != PAD]
        whole, kept = encoding.text(ids), len(ids)
    shown = whole[:MOST_CHARACTERS]
    return messages.Text(shown, shown == whole, encoding.tokens(ids[:MOST_TOKENS]), len(ids), min(len(ids), kept))


def waveform(raw: Tensor, source: Source) -> messages.Waveform:
    """The least and the greatest number of each stretch of a waveform."""
    waves = as_float(raw)
    parts = waves.tensor_split(min(MOST_COLUMNS, len(waves)))
    rate = source.sample_rate
    return messages.Waveform(
        lows=[round(float(part.min()), 4) for part in parts],
        highs=[round(float(part.max()), 4) for part in parts],
        seconds=len(waves) / rate,
        sample_rate=rate,
    )


def spectrogram(raw: Tensor, source: Source) -> messages.Spectrogram:
    """What the model gets of a waveform, from its dark values to its bright ones."""
    encoding = source.data.encoding
    assert isinstance(encoding, LogMel)
    made = source.encoded(raw)
    assert isinstance(made, Tensor)
    small = functional.adaptive_avg_pool2d(made, (min(made.shape[1], MOST_PIXELS), min(made.shape[2], MOST_COLUMNS)))[0]
    dark, bright = (float(small.quantile(end)) for end in (DARK, BRIGHT))
    scaled = ((small - dark) / ((bright - dark) or 1.0)).clamp(0, 1)
    is_cepstral = isinstance(encoding, Mfcc)
    return messages.Spectrogram(
        name="MFCC" if is_cepstral else "log-mel",
        rows=scaled.shape[0],
        columns=scaled.shape[1],
        values=[round(value, 3) for value in scaled.flatten().tolist()],
        seconds=len(raw) / source.sample_rate,
        low="1" if is_cepstral else _hertz(encoding.low_hz),
        high=str(made.shape[1]) if is_cepstral else _hertz(encoding.high_hz),
    )


def _hertz(frequency: float) -> str:
    return f"{frequency:g} Hz" if frequency < 1000 else f"{frequency / 1000:.3g} kHz"


PICTURES: dict[str, Callable[[Any, Source], Any]] = {
    "row": row,
    "image": image,
    "text": text,
    "waveform": waveform,
    "spectrogram": spectrogram,
}
