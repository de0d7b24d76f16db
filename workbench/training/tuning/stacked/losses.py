"""The loss of one candidate, whose label smoothing may be a tensor of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

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
        weight = None if class_counts is None else choice.weight(class_counts)
        return partial(_cross_entropy, weight, any(smoothings(choices)))
    if isinstance(choice, KlDivergence):
        return _kl_divergence
    if not hasattr(choice, "label_smoothing"):
        built = choice.build(class_counts)
        return lambda scores, targets, smoothing: built(scores, targets)
    # As a tensor even where all are equal: what fills in a number has no rule for stacked tensors.
    return lambda scores, targets, smoothing: _with_smoothing(choice, smoothing).build(class_counts)(scores, targets)


def _cross_entropy(
    weight: Tensor | None, is_smoothed: bool, scores: Tensor, targets: Tensor, smoothing: Tensor
) -> Tensor:
    """In few operators, with a smoothing that may be a tensor: PyTorch's own takes a number."""
    # Four times as fast as PyTorch's log_softmax for ten classes: that cannot use vectors in rows so short.
    logs = scores - scores.logsumexp(dim=1, keepdim=True)
    weighted = logs if weight is None else logs * weight
    total = weighted.gather(1, targets.unsqueeze(1)).sum()
    if is_smoothed:
        total = (1 - smoothing) * total + smoothing * weighted.mean(dim=1).sum()
    if weight is None:
        return -total / len(targets)
    total_weight = weight[targets].sum()
    return -total / torch.where(total_weight > 0, total_weight, 1.0)


def _kl_divergence(scores: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
    """PyTorch's kl_div has no rule for stacked tensors."""
    expected = one_hot(targets, scores, smoothing)
    return (torch.xlogy(expected, expected) - expected * scores.log_softmax(dim=1)).sum() / len(targets)


def _with_smoothing(choice: LossChoice, smoothing: float | Tensor) -> LossChoice:
    return choice.model_copy(update={"label_smoothing": smoothing})
