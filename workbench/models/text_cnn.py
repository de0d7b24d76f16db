"""A convolutional network for texts (Kim, 2014, arXiv:1408.5882): phrases of a few tokens, found anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workbench.models.activation import Activation
from workbench.models.tokens import embedding, mask_of


class TextCNN(nn.Module):
    """Parallel convolutions over some widths of tokens, the maximum of each channel over the text, a linear layer.

    A window ends at each token of the text; before the first there are zeros. So padding changes nothing.

    vocabulary: number of ids; outputs: number of scores; width: of an embedding; windows: tokens that each convolution
    sees; channels: of each convolution; dropout: dropout probability before the last layer, in [0, 1).
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        width: int,
        windows: Sequence[int],
        channels: int,
        dropout: float,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.windows = tuple(windows)
        self.embedding = embedding(vocabulary, width)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, channels, window) for window in windows)
        self.activations = nn.ModuleList(activation() for _ in windows)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels * len(windows), outputs)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores (n, outputs)."""
        mask = mask_of(ids).unsqueeze(1)
        tokens = self.embedding(ids).transpose(1, 2) * mask
        found = []
        for window, convolution, activation in zip(self.windows, self.convolutions, self.activations, strict=True):
            features = activation(convolution(nn.functional.pad(tokens, (window - 1, 0))))
            # Not amax, whose backward compares all features with the maximum: a tenth of a step.
            found.append(features.masked_fill(~mask, torch.finfo(features.dtype).min).max(2).values)
        # A text without a token has no maximum.
        pooled = torch.cat(found, dim=1).masked_fill(~mask.any(2), 0.0)
        scores: Tensor = self.output(self.dropout(pooled))
        return scores
