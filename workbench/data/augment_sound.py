"""Random augmentation of sounds and of their spectrograms: a whole batch at once, on its device.

No loop over samples, and no synchronisation with the device. Random numbers come from `generator`, by default the
device's global one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workbench.data.spectrogram import as_float


def augment_waves(
    waves: Tensor, shift: int, gain_db: float, noise_db: float, generator: torch.Generator | None = None
) -> Tensor:
    """Shifts each waveform in time, makes it louder or softer, and adds noise: float32 (n, samples).

    waves: (n, samples), int16 or float32. shift: by up to this many samples in each direction; silence moves in.
    gain_db: by up to this many decibels up or down. noise_db: white noise whose level is drawn between zero and this
    many decibels below that of the waveform (root mean square); 0 for none.
    """
    varied = as_float(waves)
    n, length = varied.shape
    device = varied.device

    def draw() -> Tensor:
        return torch.rand((n, 1), device=device, generator=generator)

    if shift:
        moved = torch.randint(-shift, shift + 1, (n, 1), device=device, generator=generator)
        columns = torch.arange(length, device=device) - moved
        is_silence = (columns < 0) | (columns >= length)
        varied = varied.gather(1, columns.clamp(0, length - 1)).masked_fill(is_silence, 0.0)
    if gain_db:
        varied = varied * torch.exp((2 * draw() - 1) * (gain_db * math.log(10) / 20))
    if noise_db:
        level = varied.square().mean(1, keepdim=True).sqrt() * 10 ** (-noise_db / 20) * draw()
        varied = varied + level * torch.randn((n, length), device=device, generator=generator)
    return varied


def mask_spectrograms(
    spectrograms: Tensor,
    time_masks: int,
    time_width: int,
    frequency_masks: int,
    frequency_width: int,
    generator: torch.Generator | None = None,
    *,
    standardised: bool = True,
) -> Tensor:
    """Blanks random bands of time and of frequency in each spectrogram: SpecAugment (Park et al., 2019).

    spectrograms: float (n, channels, rows, frames). Each mask is between 0 and `time_width` frames or
    `frequency_width` rows wide, and is set to 0, the mean of standardised spectrograms; of others to the mean of each
    spectrogram, because 0 would be loud in logarithms.
    """
    n, _, rows, frames = spectrograms.shape
    device = spectrograms.device
    means = None if standardised else spectrograms.mean((1, 2, 3), keepdim=True)

    def blanked(is_masked: Tensor) -> Tensor:
        if means is None:
            return spectrograms.masked_fill(is_masked, 0.0)
        return torch.where(is_masked, means, spectrograms)

    def masked(size: int, masks: int, widest: int) -> Tensor:
        """Which places are masked, bool (n, size)."""
        widths = torch.rand((n, masks, 1), device=device, generator=generator) * (min(widest, size) + 1)
        widths = widths.floor()
        starts = (torch.rand((n, masks, 1), device=device, generator=generator) * (size - widths + 1)).floor()
        places = torch.arange(size, device=device)
        return ((places >= starts) & (places < starts + widths)).any(1)

    if time_masks:
        spectrograms = blanked(masked(frames, time_masks, time_width)[:, None, None, :])
    if frequency_masks:
        spectrograms = blanked(masked(rows, frequency_masks, frequency_width)[:, None, :, None])
    return spectrograms
