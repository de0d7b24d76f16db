"""The weights of all candidates: what is trained as one matrix, buffers stacked one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class StackedWeights:
    """The weights of candidates whose networks have the same shapes."""

    flat: Tensor
    """(candidates, trained numbers); the optimizer changes it in place."""
    shapes: dict[str, torch.Size]
    """Of each trained parameter of one candidate, in their order in `flat`."""
    others: dict[str, Tensor]
    """Buffers and parameters that are not trained, each (candidates, ...); training changes them in place."""

    @classmethod
    def of(cls, models: Sequence[nn.Module]) -> StackedWeights:
        """Copies the weights of models that were built by the same code."""
        trained = [dict(model.named_parameters()) for model in models]
        shapes = {name: tensor.shape for name, tensor in trained[0].items() if tensor.requires_grad}
        flat = torch.stack([torch.cat([own[name].detach().reshape(-1) for name in shapes]) for own in trained])
        rest = [
            {name: tensor.detach() for name, tensor in own.items() if not tensor.requires_grad}
            | dict(model.named_buffers())
            for own, model in zip(trained, models, strict=True)
        ]
        return cls(flat, shapes, {name: torch.stack([own[name] for own in rest]) for name in rest[0]})

    def parameters(self, flat: Tensor) -> dict[str, Tensor]:
        """A matrix like `flat` as parameters by name, each (candidates, ...), in the same memory."""
        parts = flat.split([shape.numel() for shape in self.shapes.values()], dim=1)
        named = zip(self.shapes.items(), parts, strict=True)
        return {name: part.unflatten(1, shape) if shape else part.squeeze(1) for (name, shape), part in named}

    def select(self, rows: Tensor) -> StackedWeights:
        """Copies the weights of some candidates, int64 (n,)."""
        others = {name: tensor.index_select(0, rows) for name, tensor in self.others.items()}
        return StackedWeights(self.flat.index_select(0, rows), self.shapes, others)

    def copy_rows(self, source: StackedWeights, rows: Tensor) -> None:
        """Takes over the weights of some candidates from a stack of the same ones."""
        self.flat[rows] = source.flat[rows]
        for name, tensor in self.others.items():
            tensor[rows] = source.others[name][rows]
