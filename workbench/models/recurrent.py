"""Recurrent networks, GRU and LSTM: over the tokens of a text, or over the frames of a spectrogram."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from workbench.models.activation import Activation
from workbench.models.tokens import embedding, mask_of, masked_mean

Cell = Literal["gru", "lstm"]
Pooling = Literal["mean", "last"]


class RecurrentLayers(nn.Module):
    """Layers of a GRU or an LSTM over (n, time, features), one or both directions, which padding does not disturb.

    Each direction is a layer of its own. The backward one reads each sequence from its own last step, not from the
    padding behind it; that needs no lengths on the host, for which every step would wait.

    width: of each direction; `outputs` is the number of features that come out.
    """

    def __init__(
        self, cell: Cell, features: int, width: int, layers: int, dropout: float, *, bidirectional: bool
    ) -> None:
        super().__init__()
        make = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        directions = 2 if bidirectional else 1
        self.outputs = directions * width
        sizes = [features, *[self.outputs] * (layers - 1)]
        self.forward_layers = nn.ModuleList(make(size, width, batch_first=True) for size in sizes)
        self.backward_layers = nn.ModuleList(
            make(size, width, batch_first=True) for size in (sizes if bidirectional else [])
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(n, time, features) to (n, time, outputs). mask: bool (n, time), True for steps that are there, all of which
        come before the others; None where all are there. What comes out for the others means nothing."""
        order = _backwards(x, mask) if len(self.backward_layers) else None
        for number, layer in enumerate(self.forward_layers):
            if number:
                x = self.dropout(x)
            out = layer(x)[0]
            if order is not None:
                reversed_out = self.backward_layers[number](_in_order(x, order))[0]
                out = torch.cat([out, _in_order(reversed_out, order)], dim=2)
            x = out
        return x


class RecurrentHead(nn.Module):
    """Makes scores of what recurrent layers return: of each step, or of the whole sequence.

    hidden: width of a fully connected layer before the last, with the activation, 0 for none. pooling: mean over the
    steps, or what each direction returns after its last one; None makes scores of each step.
    """

    def __init__(
        self,
        layers: RecurrentLayers,
        outputs: int,
        hidden: int,
        pooling: Pooling | None,
        dropout: float,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self._width = layers.outputs // (2 if len(layers.backward_layers) else 1)
        features = layers.outputs
        parts: list[nn.Module] = [nn.Dropout(dropout)] * bool(dropout)
        if hidden:
            parts += [nn.Linear(features, hidden), activation()]
            features = hidden
        self.layers = nn.Sequential(*parts, nn.Linear(features, outputs))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(n, time, features) and mask (n, time) to scores (n, outputs), or (n, outputs, time) of each step."""
        if self.pooling is None:
            # One row a step: activations such as softmax go across dimension 1.
            scores: Tensor = self.layers(x.flatten(0, 1))
            of_steps: Tensor = scores.unflatten(0, x.shape[:2])
            return of_steps.transpose(1, 2)
        pooled = masked_mean(x, mask) if self.pooling == "mean" else self._last(x, mask)
        of_sequence: Tensor = self.layers(pooled)
        return of_sequence

    def _last(self, x: Tensor, mask: Tensor) -> Tensor:
        """The forward direction at the last step, the backward one at the first; 0 for a sequence without steps."""
        last = (mask.sum(1) - 1).clamp(min=0)
        forwards = x.gather(1, last.view(-1, 1, 1).expand(-1, 1, x.shape[2])).squeeze(1)[:, : self._width]
        both = torch.cat([forwards, x[:, 0, self._width :]], dim=1)
        return both * mask[:, :1]


class RecurrentTokens(nn.Module):
    """A recurrent network of token ids.

    vocabulary: number of ids; outputs: number of scores; width: of an embedding. causal: scores for the next token at
    each token, from those up to it.
    """

    def __init__(
        self,
        cell: Cell,
        vocabulary: int,
        outputs: int,
        width: int,
        state: int,
        layers: int,
        hidden: int,
        pooling: Pooling,
        dropout: float,
        activation: Activation,
        *,
        bidirectional: bool,
        causal: bool,
    ) -> None:
        super().__init__()
        self.embedding = embedding(vocabulary, width)
        both = bidirectional and not causal
        self.recurrent = RecurrentLayers(cell, width, state, layers, dropout, bidirectional=both)
        self.head = RecurrentHead(self.recurrent, outputs, hidden, None if causal else pooling, dropout, activation)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores (n, outputs), or (n, outputs, length) where it is causal."""
        mask = mask_of(ids)
        scores: Tensor = self.head(self.recurrent(self.embedding(ids), mask), mask)
        return scores


class RecurrentFrames(nn.Module):
    """A recurrent network over the frames of a spectrogram (channels, bands, frames)."""

    def __init__(
        self,
        cell: Cell,
        inputs: tuple[int, ...],
        outputs: int,
        state: int,
        layers: int,
        hidden: int,
        pooling: Pooling,
        dropout: float,
        activation: Activation,
        *,
        bidirectional: bool,
    ) -> None:
        super().__init__()
        channels, bands, _ = inputs
        self.recurrent = RecurrentLayers(cell, channels * bands, state, layers, dropout, bidirectional=bidirectional)
        self.head = RecurrentHead(self.recurrent, outputs, hidden, pooling, dropout, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Spectrograms (n, channels, bands, frames) to raw scores (n, outputs)."""
        frames = x.flatten(1, 2).transpose(1, 2)
        mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=x.device)
        scores: Tensor = self.head(self.recurrent(frames), mask)
        return scores


def _backwards(x: Tensor, mask: Tensor | None) -> Tensor:
    """The steps of each sequence from its last to its first, then the padding: indices, int64 (n, time)."""
    steps = torch.arange(x.shape[1], device=x.device)
    if mask is None:
        return steps.flip(0).expand(x.shape[0], -1)  # len(x) would be a constant in an exported program
    lengths = mask.sum(1, keepdim=True)
    return torch.where(steps < lengths, lengths - 1 - steps, steps)


def _in_order(x: Tensor, order: Tensor) -> Tensor:
    """The steps of (n, time, features) in this order."""
    return x.gather(1, order.unsqueeze(2).expand(-1, -1, x.shape[2]))
