"""A trained model as a program of tensors: raw samples in, probabilities or values out, the encoding inside.

Texts become ids outside: no program of tensors holds a tokenizer. What such a program takes is said in its signature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.data.inputs import RAW_TEXT, Inputs, dtype_named
from workbench.data.spectrogram import LogMel, as_float
from workbench.data.text_encoding import TextEncoding
from workbench.training.checkpointing.trained_model import TrainedModel

ONE = "samples"
"""The name of the input of a model that takes one tensor."""
EXAMPLES = 3
"""Samples of the batch that a program is traced with. Neither 0 nor 1, which exporters take for constants."""


@dataclass(frozen=True)
class TensorInput:
    """An input of a program."""

    name: str
    shape: tuple[int, ...]
    """Of one sample."""
    type: str
    """As torch names it, such as uint8."""


class Program(nn.Module):
    """What is exported of a trained model: as `TrainedModel`, but of texts it takes ids."""

    def __init__(self, trained: TrainedModel, *, by_convolution: bool = False) -> None:
        """by_convolution: whether spectra are made without a Fourier transform, which not all exporters know."""
        super().__init__()
        encoding = trained.encoding
        self.model = trained.model
        self.encoding: nn.Module | None = None
        if isinstance(encoding, LogMel):
            self.encoding = Spectrogram(encoding, by_convolution=by_convolution)
        elif not isinstance(encoding, TextEncoding):
            self.encoding = encoding
        self.target_scale = trained.target_scale
        self.loss = trained.preset.loss

    def forward(self, samples: Inputs) -> Tensor:
        """Probabilities (n, classes) in float32, or values (n, outputs) in float64, see `TrainedModel.forward`."""
        inputs = samples if self.encoding is None else self.encoding(samples)
        scores = self.model(inputs).float()
        return self.loss.probabilities(scores) if self.target_scale is None else self.target_scale.undo(scores)


class Spectrogram(nn.Module):
    """A spectrogram of all samples of a batch at once, however many there are."""

    def __init__(self, encoding: LogMel, *, by_convolution: bool) -> None:
        super().__init__()
        self.encoding = encoding
        self.kernels: Tensor | None
        self.register_buffer("kernels", fourier_kernels(encoding) if by_convolution else None)

    def forward(self, waves: Tensor) -> Tensor:
        """Waveforms (n, samples) to what the encoding makes of them."""
        if self.kernels is None:
            return self.encoding.all_at_once(waves)
        length = self.encoding.fft_length
        padded = F.pad(as_float(waves).unsqueeze(1), (length // 2, length // 2))
        real, imaginary = F.conv1d(padded, self.kernels, stride=self.encoding.hop).chunk(2, dim=1)
        return self.encoding.of_power(real.square() + imaginary.square())


def fourier_kernels(encoding: LogMel) -> Tensor:
    """Cosines and sines of each frequency under the window: float32 (2 * frequencies, 1, fft_length), as torch.stft."""
    length, window = encoding.fft_length, encoding.window
    before = (length - window) // 2
    hann = F.pad(encoding.hann.double(), (before, length - window - before))
    angles = torch.outer(torch.arange(length // 2 + 1).double(), torch.arange(length).double()) % length
    angles *= 2 * math.pi / length
    return torch.cat([angles.cos() * hann, -angles.sin() * hann]).float().unsqueeze(1)


def inputs_of(trained: TrainedModel) -> tuple[TensorInput, ...]:
    """What the program takes: one tensor named ONE, or the tensors by name."""
    raw = trained.raw
    if raw == RAW_TEXT:
        assert isinstance(trained.encoding, TextEncoding)
        return (TensorInput(ONE, (trained.encoding.length,), "int64"),)
    if isinstance(raw.get("shape"), list):
        return (_input(ONE, raw),)
    return tuple(_input(name, each) for name, each in raw.items())


def takes_names(trained: TrainedModel) -> bool:
    """Whether the program takes tensors by name, as a dictionary."""
    return trained.raw != RAW_TEXT and not isinstance(trained.raw.get("shape"), list)


def example_of(trained: TrainedModel) -> Inputs:
    """A batch to trace with. Ones: a length must not be 0, nor a text without tokens."""
    made = {each.name: torch.ones(EXAMPLES, *each.shape, dtype=dtype_named(each.type)) for each in inputs_of(trained)}
    return made if takes_names(trained) else made[ONE]


def tensors_for(trained: TrainedModel, raw: Any) -> dict[str, Tensor]:
    """The program's inputs, by name, for raw samples as the data source gives them: texts become ids here."""
    if isinstance(trained.encoding, TextEncoding):
        return {ONE: trained.encoding(raw)}
    return dict(raw) if isinstance(raw, Mapping) else {ONE: raw}


def output_of(trained: TrainedModel) -> str:
    """The name of what the program gives."""
    return "probabilities" if trained.target_scale is None else "values"


def _input(name: str, described: Mapping[str, Any]) -> TensorInput:
    return TensorInput(name, tuple(described["shape"]), described["type"])
