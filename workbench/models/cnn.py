"""A plain small convolutional network, for small images: digits (8 × 8), MNIST (28 × 28), CIFAR (32 × 32)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from workbench.models.activation import Activation

SMALLEST_SIDE = 2
"""In pixels. A stage does not pool if that would leave less, so that deep networks accept small images."""


class CNN(nn.Module):
    """Stages of convolution, activation and pooling, followed by a fully connected classifier.

    A stage is a 3 × 3 convolution (padding 1), BatchNorm2d (with `batch_norm`), activation and 2 × 2 max-pooling.
    The features are flattened, not averaged over each channel: the position of a stroke distinguishes digits, and on
    small images the larger Linear costs little compared with the convolutions. (MNIST, channels 32, 64, 128, AdamW and
    one-cycle to 0.01, one seed: after two of four epochs 99.18 % against 98.67 %, at the end 99.43 % against 99.30 %,
    in equal time.)

    inputs: (channels, height, width) of one image; outputs: number of scores; channels: output channels of the
    convolution of each stage; dropout: dropout probability before each fully connected layer, in [0, 1); hidden: width
    of a fully connected layer before the last, 0 for none.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: int,
        channels: Sequence[int],
        dropout: float,
        batch_norm: bool,
        hidden: int,
        activation: Activation,
    ) -> None:
        super().__init__()
        before, height, width = inputs
        layers: list[nn.Module] = []
        for after in channels:
            # No bias before BatchNorm2d, which subtracts the mean and has its own bias.
            layers.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(after))
            layers.append(activation())
            if min(height, width) // 2 >= SMALLEST_SIDE:
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
            before = after
        self.features = nn.Sequential(*layers)

        features = before * height * width
        classifier: list[nn.Module] = [nn.Flatten(), *_dropout(dropout)]
        if hidden:
            classifier += [nn.Linear(features, hidden), activation(), *_dropout(dropout)]
            features = hidden
        classifier.append(nn.Linear(features, outputs))
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, channels, height, width) to raw scores (n, outputs)."""
        scores: Tensor = self.classifier(self.features(x))
        return scores


def _dropout(fraction: float) -> list[nn.Module]:
    return [nn.Dropout(fraction)] if fraction else []
