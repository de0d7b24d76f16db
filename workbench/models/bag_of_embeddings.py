"""A bag of embeddings: the mean of a text's word vectors, as in fastText (Joulin et al., 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from workbench.models.activation import Activation
from workbench.models.tokens import embedding, mask_of, masked_mean


class BagOfEmbeddings(nn.Module):
    """Averages the embeddings of a text's tokens, whatever their order, and passes the mean through linear layers.

    The mean is a product of matrices. nn.EmbeddingBag, which does the same, took three times as long on the CPU (64
    texts of 200 tokens, forward and backward), and torch.func has no rule to stack it.

    vocabulary: number of ids; outputs: number of scores; width: of an embedding; hidden: widths of the layers between,
    each followed by the activation; dropout: dropout probability before each linear layer, in [0, 1).
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        width: int,
        hidden: Sequence[int],
        dropout: float,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.embedding = embedding(vocabulary, width)
        layers: list[nn.Module] = []
        for features in hidden:
            layers += [nn.Dropout(dropout)] * bool(dropout) + [nn.Linear(width, features), activation()]
            width = features
        layers += [nn.Dropout(dropout)] * bool(dropout) + [nn.Linear(width, outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores (n, outputs)."""
        scores: Tensor = self.layers(masked_mean(self.embedding(ids), mask_of(ids)))
        return scores
