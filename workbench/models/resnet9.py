"""ResNet-9: eight convolutions and a linear layer with two residual blocks, quick to train on 32 × 32 images.

The network with which David Page won DAWNBench on CIFAR-10 ("How to Train Your ResNet", Myrtle.ai, 2018). With 64
channels and three colours it has 6,573,120 parameters for ten classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from workbench.errors import PresetError
from workbench.models.activation import Activation

SMALLEST_SIDE = 16
"""In pixels: three poolings leave two. With less, too little would be left to distinguish images."""
SCALE = 0.125
"""The original's factor on the scores: softmax starts almost uniform, which allows a high learning rate."""


class ResNet9(nn.Module):
    """Prep layer, three layers that double the channels and halve the sides, and a scaled linear classifier.

    inputs: (channels, height, width) of one image; outputs: number of scores; width: channels of the first layer; the
    last layer has eight times as many. Raises PresetError for images with a side below 16 pixels.
    """

    def __init__(self, inputs: tuple[int, ...], outputs: int, width: int, activation: Activation) -> None:
        super().__init__()
        channels, height, w = inputs
        if min(height, w) < SMALLEST_SIDE:
            raise PresetError(
                f"model.name = 'resnet9' needs images of at least {SMALLEST_SIDE} × {SMALLEST_SIDE} pixels, but these "
                f"have {height} × {w}; choose model.name = 'cnn', which accepts small images"
            )
        self.features = nn.Sequential(
            _convolution(channels, width, activation),
            _convolution(width, 2 * width, activation),
            nn.MaxPool2d(2),
            Residual(2 * width, activation),
            _convolution(2 * width, 4 * width, activation),
            nn.MaxPool2d(2),
            _convolution(4 * width, 8 * width, activation),
            nn.MaxPool2d(2),
            Residual(8 * width, activation),
        )
        # The original pools over 4 × 4 pixels, all that remains of 32 × 32 images. Here the window fits the image size;
        # it is fixed because the backward pass of AdaptiveMaxPool2d is not deterministic on CUDA.
        self.classifier = nn.Sequential(
            nn.MaxPool2d((height // 8, w // 8)),
            nn.Flatten(),
            nn.Linear(8 * width, outputs, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (n, channels, height, width) to raw scores (n, outputs)."""
        scores: Tensor = self.classifier(self.features(x))
        return scores * SCALE


class Residual(nn.Module):
    """x + f(x), where f is two convolutions that keep the shape."""

    def __init__(self, channels: int, activation: Activation) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            _convolution(channels, channels, activation),
            _convolution(channels, channels, activation),
        )

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.branch(x)
        return x + branch


def _convolution(before: int, after: int, activation: Activation) -> nn.Sequential:
    """Convolution, batch norm (whose bias replaces that of the convolution) and activation."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        activation(),
    )
