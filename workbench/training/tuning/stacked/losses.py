"""The loss of one candidate, whose label smoothing may be a tensor of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from workbench.settings.loss import CrossEntropy, KlDivergence, LossChoice, one_hot

SmoothedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(raw scores (n, outputs), targets, label smoothing, scalar) -> mean loss, a scalar."""


def smoothings(choices: Sequence[LossChoice]) -> list[float]:
    """The label smoothing of each candidate; 0 where its loss has none."""
    return [float(getattr(choice, "label_smoothing", 0.0)) for choice in choices]


def stacked_loss(choices: Sequence[LossChoice], class_counts: Tensor | None) -> SmoothedLoss:
    """The loss that all of these choices are, but for their label smoothing."""
    choice = choices[0]
    if isinstance(choice, CrossEntropy):
        return _cross_entropy(choice, class_counts, is_same=len(set(smoothings(choices))) == 1)
    if isinstance(choice, KlDivergence):
        return _kl_divergence
    if not hasattr(choice, "label_smoothing"):
        built = choice.build(class_counts)
        return lambda scores, targets, smoothing: built(scores, targets)
    # As a tensor even where all are equal: what fills in a number has no rule for stacked tensors.
    return lambda scores, targets, smoothing: _with_smoothing(choice, smoothing).build(class_counts)(scores, targets)


def _cross_entropy(choice: CrossEntropy, class_counts: Tensor | None, *, is_same: bool) -> SmoothedLoss:
    if is_same:
        built = choice.build(class_counts)
        return lambda scores, targets, smoothing: built(scores, targets)
    # It is linear in the targets, and PyTorch's takes a number only.
    hard, even = (_with_smoothing(choice, value).build(class_counts) for value in (0.0, 1.0))
    return lambda scores, targets, smoothing: (
        (1 - smoothing) * hard(scores, targets) + smoothing * even(scores, targets)
    )


def _kl_divergence(scores: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
    """PyTorch's kl_div has no rule for stacked tensors."""
    expected = one_hot(targets, scores, smoothing)
    return (torch.xlogy(expected, expected) - expected * scores.log_softmax(dim=1)).sum() / len(targets)


def _with_smoothing(choice: LossChoice, smoothing: float | Tensor) -> LossChoice:
    return choice.model_copy(update={"label_smoothing": smoothing})
