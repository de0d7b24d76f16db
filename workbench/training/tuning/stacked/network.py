"""The networks of all candidates, computed at once: a step's gradients, and the scores of samples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from workbench.data.task import Correct
from workbench.training.tuning.stacked.losses import SmoothedLoss
from workbench.training.tuning.stacked.traced import TracedFunction
from workbench.training.tuning.stacked.weights import StackedWeights


class StackedNetwork:
    """Computes stacked weights by the code of one model."""

    def __init__(
        self, model: nn.Module, weights: StackedWeights, loss: SmoothedLoss, count_correct: Correct | None
    ) -> None:
        """model: gives the code; its own weights are not used."""
        self._model = model
        self._weights = weights
        self._loss = loss
        self._correct = count_correct
        self._other_names = list(weights.others)
        self._step = TracedFunction(self._step_of)
        self._scores = TracedFunction(self._scores_of)
        self._shared_scores = TracedFunction(self._shared_scores_of)

    def gradients(
        self, weights: StackedWeights, smoothing: Tensor, inputs: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients like `weights.flat`, the mean loss of each candidate's batch, and its number of correct answers.

        smoothing: (candidates,); inputs, targets: (candidates, batch, ...). Buffers are changed in place. Raises
        CannotStackError.
        """
        self._model.train()
        gradients, losses, correct = self._step([weights.flat, smoothing, inputs, targets, *weights.others.values()])
        return gradients, losses, correct

    def scores(self, weights: StackedWeights, inputs: Tensor, *, shared: bool) -> Tensor:
        """Raw scores (candidates, samples, outputs), float32, in evaluation mode.

        shared: inputs are (samples, ...), the same for all candidates; else (candidates, samples, ...).
        """
        self._model.eval()
        function = self._shared_scores if shared else self._scores
        return function([weights.flat, inputs, *weights.others.values()])[0]

    def _step_of(self, arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        flat, smoothing, inputs, targets, *others = arguments

        def one(smoothing: Tensor, inputs: Tensor, targets: Tensor, *tensors: Tensor) -> tuple[Tensor, Tensor]:
            scores = functional_call(self._model, dict(zip(names, tensors, strict=True)), (inputs,))
            correct = targets.new_zeros((), dtype=torch.int64)
            if self._correct is not None:
                correct = self._correct(scores.detach(), targets)
            return self._loss(scores.float(), targets, smoothing), correct

        with torch.enable_grad():
            trained = {name: part.detach().requires_grad_() for name, part in self._weights.parameters(flat).items()}
            names = [*trained, *self._other_names]
            stacked = vmap(one, randomness="different")
            losses, correct = stacked(smoothing, inputs, targets, *trained.values(), *others)
            # Each candidate's loss depends on its own weights alone.
            found = torch.autograd.grad(losses.sum(), list(trained.values()))
        rows = [gradient.reshape(len(flat), -1) for gradient in found]
        return torch.cat(rows, dim=1), losses.detach(), correct

    def _scores_of(self, arguments: Sequence[Tensor], shared: bool = False) -> tuple[Tensor, ...]:
        flat, inputs, *others = arguments

        def one(inputs: Tensor, *tensors: Tensor) -> Tensor:
            scores: Tensor = functional_call(self._model, dict(zip(names, tensors, strict=True)), (inputs,))
            return scores.float()

        trained = self._weights.parameters(flat)
        names = [*trained, *self._other_names]
        dims = (None if shared else 0, *(0 for _ in names))
        with torch.no_grad():
            return (vmap(one, in_dims=dims)(inputs, *trained.values(), *others),)

    def _shared_scores_of(self, arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return self._scores_of(arguments, shared=True)
