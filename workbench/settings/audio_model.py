"""Models for sounds: of their spectrograms, and of raw waveforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.settings.activation import ActivationChoice
from workbench.settings.base import setting
from workbench.settings.model_choice import ModelChoice, Width, dropout

if TYPE_CHECKING:
    from torch import nn


class AudioCnn(ModelChoice):
    """A small convolutional network that averages over time: for spectrograms of any length."""

    name: Literal["audio_cnn"] = "audio_cnn"
    channels: Annotated[tuple[Width, ...], Field(min_length=1)] = setting(
        (16, 32, 64), "channels of the 3 × 3 convolutions, each followed by batch norm and pooling"
    )
    dropout: float = dropout()

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        from workbench.errors import PresetError
        from workbench.models.audio_cnn import AudioCNN

        if len(inputs) != 3:
            shape = " × ".join(map(str, inputs))
            raise PresetError(
                f"model.name = 'audio_cnn' needs spectrograms, but the samples have shape {shape}; with sounds choose "
                "data.encoding = \"log_mel\", or model.name = 'conv1d' for raw waveforms"
            )
        return AudioCNN(inputs, outputs, self.channels, self.dropout, activation.build)


class Conv1d(ModelChoice):
    """A small one-dimensional convolutional network: for raw waveforms."""

    name: Literal["conv1d"] = "conv1d"
    channels: Annotated[tuple[Width, ...], Field(min_length=1)] = setting(
        (32, 64, 128, 128), "channels of the convolutions, each followed by batch norm and pooling"
    )
    dropout: float = dropout()

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        from workbench.errors import PresetError
        from workbench.models.conv1d import Conv1dNet

        if len(inputs) != 2:
            shape = " × ".join(map(str, inputs))
            raise PresetError(
                f"model.name = 'conv1d' needs raw waveforms, but the samples have shape {shape}; with sounds choose "
                "data.encoding = \"waveform\", or model.name = 'audio_cnn' for spectrograms"
            )
        return Conv1dNet(inputs, outputs, self.channels, self.dropout, activation.build)
