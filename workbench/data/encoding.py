"""Encodings: modules that turn raw samples into model input.

An encoding is fitted on the training split alone. A checkpoint stores its name and arguments with the weights, so that
it can predict on raw samples. A new kind of data needs one more class here or beside it, and a line in
`encodings.ENCODINGS`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from workbench.data.inputs import Inputs


class Encoding(nn.Module):
    """Turns a batch of raw samples into model input, on this module's device.

    `forward` takes and returns `Inputs`: a tensor (n, ...) or tensors by name, the samples first. Its result for a
    sample does not depend on the other samples of the batch.
    """

    name: ClassVar[str]
    """The name of this kind of encoding in a checkpoint."""

    notes: tuple[str, ...] = ()
    """What the user should know about how it was fitted; a checkpoint does not store them."""

    @property
    def on_host(self) -> bool:
        """Whether samples are encoded on the host before training: no device takes float64 or text."""
        return False

    @property
    def vocabulary_size(self) -> int | None:
        """How many different ids it gives, 0 among them, which is padding; None where it gives numbers."""
        return None

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that build this encoding again: tensors and plain values only."""
        raise NotImplementedError


class Identity(Encoding):
    """Returns samples unchanged: for ids, and for samples that are encoded already."""

    name: ClassVar[str] = "identity"

    def forward(self, inputs: Inputs) -> Inputs:
        return inputs

    def arguments(self) -> dict[str, Any]:
        return {}


class Moments(Encoding):
    """An encoding that holds the mean and the standard deviation of the training split, and nothing else."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std broadcast over a batch of model input; float64 for samples in float64, else float32."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def arguments(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}


class Standardize(Moments):
    """Subtracts the mean and divides by the standard deviation; pixel values of 0 to 255 are first scaled to 0 to 1."""

    name: ClassVar[str] = "standardize"

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps uint8 (pixels), integers or floating-point numbers (n, ...) to float32 (n, ...)."""
        values = inputs.float() / 255 if inputs.dtype == torch.uint8 else inputs
        return ((values.to(self.mean.dtype) - self.mean) / self.std).float()

    @property
    def on_host(self) -> bool:
        """True for float64: numbers that float32 cannot distinguish (20230103) are standardised in float64."""
        return self.mean.dtype == torch.float64
