"""A small one-dimensional convolutional network for raw waveforms."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from workbench.models.activation import Activation

FIRST_KERNEL, FIRST_STRIDE = 64, 8
"""Of the first convolution, in samples: it takes the place of a spectrogram's windows."""
POOL = 4
"""Samples that each pooling makes one of."""


class Conv1dNet(nn.Module):
    """A long first convolution, short ones that each pool by four, then the mean over time and a linear classifier.

    The shape of M5 (Dai et al., "Very deep convolutional neural networks for raw waveforms", 2017). Every convolution
    is followed by BatchNorm1d and the activation. A waveform that is too short for a pooling is not pooled further.

    inputs: (channels, samples) of one waveform; outputs: number of scores; channels: output channels of each
    convolution; dropout: dropout probability before the classifier, in [0, 1).
    """

    def __init__(
        self, inputs: tuple[int, ...], outputs: int, channels: Sequence[int], dropout: float, activation: Activation
    ) -> None:
        super().__init__()
        before, length = inputs
        layers: list[nn.Module] = []
        for number, after in enumerate(channels):
            kernel, stride = (FIRST_KERNEL, FIRST_STRIDE) if number == 0 else (3, 1)
            # Half a kernel of silence at both ends: the shortest waveform gives one number.
            layers.append(nn.Conv1d(before, after, kernel, stride, padding=kernel // 2, bias=False))
            layers += [nn.BatchNorm1d(after), activation()]
            length = (length + 2 * (kernel // 2) - kernel) // stride + 1
            if length >= POOL:
                layers.append(nn.MaxPool1d(POOL))
                length //= POOL
            before = after
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(*([nn.Dropout(dropout)] if dropout else []), nn.Linear(before, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Maps waveforms (n, channels, samples) to raw scores (n, outputs)."""
        scores: Tensor = self.classifier(self.features(x).mean(2))
        return scores
