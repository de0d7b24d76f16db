"""What all models have in common: how one is built, and which data it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from workbench.settings.activation import ActivationChoice
from workbench.settings.base import Choice, Conditions, setting

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(ge=1, le=1_000_000)]


def dropout(default: float = 0.0, only_if: Conditions | None = None) -> float:
    """The dropout probability of the built-in models."""
    probability: float = setting(default, "probability that a training step zeroes a unit", only_if=only_if, ge=0, lt=1)
    return probability


class ModelChoice(Choice):
    """A model."""

    @property
    def uses_activation(self) -> bool:
        """Whether it has a layer that the chosen activation follows."""
        return True

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        """Builds the network, with weights from torch's global generator.

        inputs: shape of one sample, without the batch dimension; outputs: number of scores. The module maps
        float32 (n, *inputs) to raw scores (n, outputs). Raises PresetError if the model does not fit the data.
        """
        raise NotImplementedError


def needs_images(choice: ModelChoice, inputs: tuple[int, ...]) -> None:
    """Raises PresetError unless samples have the shape of an image, (channels, height, width)."""
    from workbench.errors import PresetError

    if len(inputs) != 3:
        shape = " × ".join(map(str, inputs))
        raise PresetError(
            f"model.name = {choice.label()!r} needs images, but the samples have shape {shape}; {what_fits(inputs)}"
        )


def what_fits(inputs: tuple[int, ...]) -> str:
    """What to choose for samples of this shape where a model needs images, or the frames of spectrograms."""
    if len(inputs) == 2:
        return "with sounds choose data.encoding = \"log_mel\", which gives spectrograms; otherwise model.name = 'mlp'"
    return f"choose model.name = {'cnn' if len(inputs) == 3 else 'mlp'!r}"
