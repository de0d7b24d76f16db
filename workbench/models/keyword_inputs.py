"""Passes named inputs to a model as keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class KeywordInputs(nn.Module):
    """Wraps a model: takes one mapping of names to tensors and calls `model(ids=..., lengths=...)`.

    So training, evaluation and measurements call every model with one argument.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Maps tensors by name, each (n, ...), to raw scores (n, outputs)."""
        scores: Tensor = self.model(**inputs)
        return scores
