"""Fits the encoding of sounds: standardised with the statistics of the training split alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from workbench.data.samples import Split
from workbench.data.spectrogram import SoundEncoding, Waveform
from workbench.data.standardize import LAZY_SAMPLES, Normalize, spaced
from workbench.data.statistics import Sums


def fit_sound_encoding(train: Split, make: Callable[..., SoundEncoding], normalize: Normalize) -> SoundEncoding:
    """Measures mean and standard deviation of each row of a spectrogram, or of a whole waveform.

    train: waveforms (samples,); of many, at most 2,048 evenly spaced ones are measured. make: builds the encoding, with
    `mean` and `std`. normalize: "none" leaves the numbers as they are.
    """
    zero, one = torch.zeros(1), torch.ones(1)
    plain = make(mean=zero, std=one)
    if normalize == "none":
        return plain
    sums = Sums()
    for waves in _chunks(train, plain):
        encoded: Tensor = plain(waves)
        # The rows of a spectrogram take the place of channels, each of which has a mean of its own.
        sums.add(encoded if isinstance(plain, Waveform) else encoded.transpose(1, 2))
    mean, std = (each if isinstance(plain, Waveform) else each.transpose(1, 2) for each in sums.result())
    made: dict[str, Any] = {"mean": mean.float().contiguous(), "std": std.float().contiguous()}
    return make(**made)


def _chunks(train: Split, encoding: SoundEncoding) -> Iterator[Tensor]:
    indices = spaced(len(train), LAZY_SAMPLES)
    rows = encoding.at_a_time(train[0][0].numel())
    for start in range(0, len(indices), rows):
        yield torch.stack([train[index][0] for index in indices[start : start + rows]])
