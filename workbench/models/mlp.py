"""A multilayer perceptron: fully connected layers, for tables and small images."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from workbench.models.activation import Activation


class MLP(nn.Module):
    """Flattens each sample and passes it through fully connected layers.

    A hidden layer is Linear, BatchNorm1d (with `batch_norm`), activation, Dropout (with `dropout` above 0). The last
    layer is only Linear, so that the scores are unbounded.

    inputs: shape of one sample, without the batch dimension; outputs: number of scores; hidden: widths of the hidden
    layers, empty for a linear model; dropout: dropout probability after each hidden layer, in [0, 1).
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: int,
        hidden: Sequence[int],
        dropout: float,
        batch_norm: bool,
        activation: Activation,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        features = math.prod(inputs)
        for width in hidden:
            # No bias before BatchNorm1d, which subtracts the mean and has its own bias.
            layers.append(nn.Linear(features, width, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm1d(width))
            layers.append(activation())
            if dropout:
                layers.append(nn.Dropout(dropout))
            features = width
        layers.append(nn.Linear(features, outputs))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Samples (n, *inputs) to raw scores (n, outputs)."""
        scores: Tensor = self.layers(x)
        return scores
