"""What models of token ids share: the mask of padding, embeddings, and means over the tokens that are there."""

from __future__ import annotations

from torch import Tensor, nn

from workbench.data.tokens import PAD

EMBEDDING_STD = 0.1
"""Standard deviation of embeddings at the start. PyTorch's own is 1, which words that occur once never get rid of."""


def mask_of(ids: Tensor) -> Tensor:
    """True where there is a token, False where there is padding: bool (n, length) of ids (n, length)."""
    return ids != PAD


def embedding(vocabulary: int, width: int, std: float = EMBEDDING_STD) -> nn.Embedding:
    """A vector for each id, PAD included, whose vector no model looks at."""
    layer = nn.Embedding(vocabulary, width)
    nn.init.normal_(layer.weight, std=std)
    return layer


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over the tokens that are there: (n, features) of (n, length, features); 0 where there are none."""
    weights = mask.to(values.dtype)
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1)
    return (weights.unsqueeze(1) @ values).squeeze(1)
