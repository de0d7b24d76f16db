"""A transformer with normalisation before each part (Xiong et al., 2020): an encoder, or a causal language model."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from workbench.models.activation import Activation
from workbench.models.tokens import embedding, mask_of, masked_mean

Positions = Literal["learned", "sinusoidal"]

WEIGHT_STD = 0.02
"""Standard deviation of weights at the start, as in GPT-2; embeddings too."""


class Transformer(nn.Module):
    """Blocks of attention and a feed-forward network over token ids.

    As an encoder it sees the whole text without its padding, and makes scores of the mean over the tokens. Causal, it
    makes scores of the next token at each token, from those up to it; padding stands at the end, where no token sees
    it.

    length: most tokens of a text; vocabulary: number of ids; outputs: number of scores; width: of a token's vector;
    heads: of attention, by which the width can be divided; feed_forward: width of the layer between; dropout: dropout
    probability of embeddings and the output of each part, in [0, 1). Attention itself has none: PyTorch's fused kernel
    for the CPU takes none, and candidates that are trained together could not have one each.
    """

    positions: Tensor

    def __init__(
        self,
        length: int,
        vocabulary: int,
        outputs: int,
        width: int,
        heads: int,
        layers: int,
        feed_forward: int,
        dropout: float,
        positions: Positions,
        activation: Activation,
        *,
        causal: bool,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.embedding = embedding(vocabulary, width, WEIGHT_STD)
        if positions == "learned":
            self.positions = nn.Parameter(torch.empty(length, width))
            nn.init.normal_(self.positions, std=WEIGHT_STD)
        else:
            # As large as the embeddings, which are drawn small.
            self.register_buffer("positions", WEIGHT_STD * sinusoids(length, width))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, heads, feed_forward, dropout, activation, causal=causal) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, outputs)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "contract.weight")):
                # These add to the vectors: the more of them, the less each at the start.
                nn.init.normal_(parameter, std=WEIGHT_STD / math.sqrt(2 * layers))
            elif name.endswith((".attend.weight", "expand.weight", "output.weight")):
                nn.init.normal_(parameter, std=WEIGHT_STD)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores (n, outputs), or (n, outputs, length) where it is causal."""
        mask = mask_of(ids)
        x = self.dropout(self.embedding(ids) + self.positions[: ids.shape[1]])
        seen = None if self.causal else _seen(mask)
        for block in self.blocks:
            x = block(x, seen)
        x = self.norm(x)
        scores: Tensor = self.output(x if self.causal else masked_mean(x, mask))
        return scores.transpose(1, 2) if self.causal else scores


class Block(nn.Module):
    """Attention and a feed-forward network, each normalised before and added to its input."""

    def __init__(
        self, width: int, heads: int, feed_forward: int, dropout: float, activation: Activation, *, causal: bool
    ) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm_attention = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feed_forward)
        self.activation = activation()
        self.contract = nn.Linear(feed_forward, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """(n, length, width) to the same. seen: bool (n, 1, 1, length), the tokens that are looked at; None for all."""
        x = x + self.dropout(self.project(self._attention(self.norm_attention(x), seen)))
        # One row a token: activations such as softmax go across dimension 1.
        between = self.activation(self.expand(self.norm_feed_forward(x)).flatten(0, 1))
        added: Tensor = self.dropout(self.contract(between).unflatten(0, x.shape[:2]))
        return x + added

    def _attention(self, x: Tensor, seen: Tensor | None) -> Tensor:
        by_head = self.attend(x).unflatten(2, (3, self.heads, -1)).transpose(1, 3)
        queries, keys, values = by_head.unbind(2)
        attended = scaled_dot_product_attention(queries, keys, values, attn_mask=seen, is_causal=self.causal)
        return attended.transpose(1, 2).flatten(2)


def sinusoids(length: int, width: int) -> Tensor:
    """Sines and cosines of each position (Vaswani et al., 2017): float32 (length, width)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(length).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


def _seen(mask: Tensor) -> Tensor:
    """Which tokens all others look at: bool (n, 1, 1, length). Of a text without any, the first: or 0 / 0 came out."""
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    return (mask | first)[:, None, None, :]
