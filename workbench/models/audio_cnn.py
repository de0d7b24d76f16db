"""A small convolutional network for spectrograms of any length."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from workbench.models.activation import Activation

SMALLEST_SIDE = 2
"""In rows or frames. A stage does not halve a side that would be shorter than this."""


class AudioCNN(nn.Module):
    """Stages of convolution, batch norm, activation and pooling; then the mean over time, and a linear classifier.

    Time is averaged, for it does not matter when a sound is heard; frequency is kept, for it matters how high it is. A
    stage is a 3 × 3 convolution (padding 1), BatchNorm2d, activation and 2 × 2 max-pooling.

    inputs: (channels, rows, frames) of one spectrogram; outputs: number of scores; channels: output channels of each
    stage; dropout: dropout probability before the classifier, in [0, 1).
    """

    def __init__(
        self, inputs: tuple[int, ...], outputs: int, channels: Sequence[int], dropout: float, activation: Activation
    ) -> None:
        super().__init__()
        before, rows, frames = inputs
        layers: list[nn.Module] = []
        for after in channels:
            # No bias before BatchNorm2d, which subtracts the mean and has its own bias.
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), activation()]
            pool = tuple(2 if side // 2 >= SMALLEST_SIDE else 1 for side in (rows, frames))
            if pool != (1, 1):
                layers.append(nn.MaxPool2d(pool))
            before, rows, frames = after, rows // pool[0], frames // pool[1]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(), *([nn.Dropout(dropout)] if dropout else []), nn.Linear(before * rows, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps spectrograms (n, channels, rows, frames) to raw scores (n, outputs)."""
        scores: Tensor = self.classifier(self.features(x).mean(3))
        return scores
