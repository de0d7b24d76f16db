"""The mel scale: bands of frequencies that are equally wide to the ear, and their cosine transform."""

from __future__ import annotations

import math

import torch
from torch import Tensor

MOST_FFT = 2**15
"""Longest Fourier transform that is tried to give each band a frequency."""


def mel_of(hertz: float) -> float:
    """The mel scale of HTK (Young et al., The HTK Book): 1,000 Hz are 1,000 mel."""
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def mel_bank(fft_length: int, rate: int, mels: int, low_hz: float, high_hz: float) -> Tensor:
    """Triangular bands, equally spaced in mel: float32 (fft_length // 2 + 1, mels), each with a peak of 1.

    Multiplied with a power spectrum (..., fft_length // 2 + 1) they give the power of each band.
    """
    frequencies = torch.linspace(0, rate / 2, fft_length // 2 + 1, dtype=torch.float64).unsqueeze(1)
    edges = torch.linspace(mel_of(low_hz), mel_of(high_hz), mels + 2, dtype=torch.float64)
    edges = 700.0 * (10.0 ** (edges / 2595.0) - 1.0)
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - low) / (peak - low), (high - frequencies) / (high - peak)
    return torch.minimum(rising, falling).clamp(min=0).float()


def fft_length_for(window: int, rate: int, mels: int, low_hz: float, high_hz: float) -> int:
    """The shortest power of two that holds a window and gives each band at least one frequency.

    The window is padded with zeros to it. Raises ValueError if MOST_FFT is too short for that.
    """
    length = 1 << max(window - 1, 1).bit_length()
    while length <= MOST_FFT:
        if bool((mel_bank(length, rate, mels, low_hz, high_hz) > 0).any(0).all()):
            return length
        length *= 2
    raise ValueError(f"{mels} bands from {low_hz:g} to {high_hz:g} Hz are too narrow for samples at {rate:,} Hz")


def cosine_transform(mels: int, coefficients: int) -> Tensor:
    """The orthonormal discrete cosine transform (DCT-II): float32 (mels, coefficients), lowest frequencies first."""
    rows = torch.arange(mels, dtype=torch.float64).unsqueeze(1)
    columns = torch.arange(coefficients, dtype=torch.float64)
    matrix = torch.cos(math.pi / mels * (rows + 0.5) * columns) * math.sqrt(2 / mels)
    matrix[:, 0] /= math.sqrt(2)
    return matrix.float()
