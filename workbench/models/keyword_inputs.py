"""What gives a model with named inputs its tensors as keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class KeywordInputs(nn.Module):
    """Calls a model as `model(ids=..., lengths=...)` where training calls it with one mapping of names to tensors.

    So whoever trains, evaluates or measures a model calls every model in the same way, with one argument.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Tensors by name, each (n, ...), to raw scores (n, outputs)."""
        scores: Tensor = self.model(**inputs)
        return scores
