"""Encodings of sounds: log-mel spectrograms, MFCCs and raw waveforms, made on the device for a whole batch.

All take waveforms (n, samples), in int16 or as float32 between -1 and 1.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from workbench.data.audio_file import FULL_SCALE
from workbench.data.encoding import Encoding, Moments
from workbench.data.mel import cosine_transform, fft_length_for, mel_bank

FLOOR = 1e-6
"""Added to the power of a band before the logarithm: silence gives -13.8."""

CHUNK_NUMBERS = 2**23
"""Complex numbers of spectra, or samples of waveforms, that are made at a time: 64 MiB of spectra, and some copies."""


def as_float(waves: Tensor) -> Tensor:
    """Waveforms in float32, between -1 and 1."""
    return waves.float() / FULL_SCALE if waves.dtype == torch.int16 else waves.float()


class SoundEncoding(Encoding):
    """An encoding of waveforms."""

    def numbers(self, samples: int) -> int:
        """How many numbers must be held at a time to encode one waveform of that many samples."""
        return samples

    def at_a_time(self, samples: int) -> int:
        """How many waveforms of that many samples may be encoded at a time."""
        return max(CHUNK_NUMBERS // max(self.numbers(samples), 1), 1)


class Waveform(Moments, SoundEncoding):
    """Standardised waveforms, (n, 1, samples)."""

    name: ClassVar[str] = "waveform"

    def forward(self, waves: Tensor) -> Tensor:
        return (as_float(waves).unsqueeze(1) - self.mean) / self.std


class LogMel(SoundEncoding):
    """Logarithms of the power in mel bands, (n, 1, mels, frames), standardised band by band.

    Frame t is centred on sample t * hop, and beyond both ends of a waveform there is silence: 1 + samples // hop
    frames. Each is weighted by a Hann window. The bands are those of HTK, see `mel.mel_bank`.
    """

    name: ClassVar[str] = "log_mel"
    mean: Tensor
    std: Tensor
    hann: Tensor
    bank: Tensor

    def __init__(
        self,
        rate: int,
        window: int,
        hop: int,
        mels: int,
        low_hz: float,
        high_hz: float,
        mean: Tensor,
        std: Tensor,
    ) -> None:
        """rate: of the samples, in hertz; window and hop: in samples; mean and std: they broadcast over a batch.

        Raises ValueError if the bands are too narrow.
        """
        super().__init__()
        self.rate, self.window, self.hop, self.mels = rate, window, hop, mels
        self.low_hz, self.high_hz = low_hz, high_hz
        self.fft_length = fft_length_for(window, rate, mels, low_hz, high_hz)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("hann", torch.hann_window(window))
        self.register_buffer("bank", mel_bank(self.fft_length, rate, mels, low_hz, high_hz))

    def forward(self, waves: Tensor) -> Tensor:
        rows = self.at_a_time(waves.shape[1])
        if len(waves) <= rows:
            return self.all_at_once(waves)
        return torch.cat([self.all_at_once(part) for part in waves.split(rows)])

    def numbers(self, samples: int) -> int:
        """Frames times frequencies: with a short hop many more than samples."""
        return (1 + samples // self.hop) * (self.fft_length // 2 + 1)

    def all_at_once(self, waves: Tensor) -> Tensor:
        """`forward` without dividing a large batch: it takes more memory, and a program of it takes any batch."""
        spectrum = torch.stft(
            as_float(waves),
            self.fft_length,
            self.hop,
            self.window,
            self.hann,
            pad_mode="constant",
            return_complex=True,
        )
        # Much faster than a sum over the last dimension.
        return self.of_power(spectrum.real.square() + spectrum.imag.square())

    def of_power(self, power: Tensor) -> Tensor:
        """The encoding of power spectra (n, fft_length // 2 + 1, frames)."""
        bands = (power.transpose(1, 2) @ self.bank + FLOOR).log()
        rows = self.rows(bands).transpose(1, 2).unsqueeze(1)
        return ((rows - self.mean) / self.std).contiguous()

    def rows(self, bands: Tensor) -> Tensor:
        """What becomes of the logarithms (n, frames, mels): (n, frames, rows)."""
        return bands

    def arguments(self) -> dict[str, Any]:
        names = ("rate", "window", "hop", "mels", "low_hz", "high_hz", "mean", "std")
        return {name: getattr(self, name) for name in names}


class Mfcc(LogMel):
    """Mel-frequency cepstral coefficients, (n, 1, coefficients, frames): the cosine transform of a log-mel spectrogram.

    The transform is orthonormal (DCT-II), the first coefficient is the loudness; without liftering.
    """

    name: ClassVar[str] = "mfcc"
    cosines: Tensor

    def __init__(self, coefficients: int, mels: int, **others: Any) -> None:
        """coefficients: how many are kept, at most `mels`; others: as for LogMel."""
        super().__init__(mels=mels, **others)
        self.coefficients = coefficients
        self.register_buffer("cosines", cosine_transform(mels, coefficients))

    def rows(self, bands: Tensor) -> Tensor:
        return bands @ self.cosines

    def arguments(self) -> dict[str, Any]:
        return {"coefficients": self.coefficients, **super().arguments()}
