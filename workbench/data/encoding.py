"""Encodings: the module that a data source brings to turn raw samples into model input.

An encoding is fitted on the training split alone and kept with the weights, as its name and the arguments that build it
again, so that a checkpoint can predict on raw samples. A new kind of data (token ids that are cut off, waveforms that
become spectrograms) is one more class here or beside it, and its line in `encodings.ENCODINGS`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from workbench.data.inputs import Inputs


class Encoding(nn.Module):
    """Turns a batch of raw samples, on whichever device this module is on, into model input.

    `forward` takes and returns `Inputs`: a tensor (n, ...) or tensors by name, the samples first. It gives the same
    result whichever samples are in a batch together.
    """

    name: ClassVar[str]
    """How a checkpoint names this kind of encoding."""

    @property
    def on_host(self) -> bool:
        """Whether samples are encoded on the host before training: devices handle float32 and integers only."""
        return False

    def arguments(self) -> dict[str, Any]:
        """What the class is called with to build this encoding again: tensors and plain values only."""
        raise NotImplementedError


class Identity(Encoding):
    """Leaves samples as they are: for ids, and for samples that have been encoded already."""

    name: ClassVar[str] = "identity"

    def forward(self, inputs: Inputs) -> Inputs:
        return inputs

    def arguments(self) -> dict[str, Any]:
        return {}


class Standardize(Encoding):
    """Subtracts a mean and divides by a deviation; pixel values from 0 to 255 become 0 to 1 first."""

    name: ClassVar[str] = "standardize"
    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std broadcast over a batch; float64 for samples in float64, else float32."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Tensor:
        """uint8 (pixels), integers or floating-point numbers (n, ...) to float32 (n, ...)."""
        values = inputs.float() / 255 if inputs.dtype == torch.uint8 else inputs
        return ((values.to(self.mean.dtype) - self.mean) / self.std).float()

    @property
    def on_host(self) -> bool:
        """Numbers that float32 cannot tell apart (20230103, prices around 1e9) are standardised in float64."""
        return self.mean.dtype == torch.float64

    def arguments(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}
