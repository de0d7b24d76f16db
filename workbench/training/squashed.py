"""Recognises scores that the model has already put through softmax or sigmoid, which the loss applies again."""

from __future__ import annotations

from torch import Tensor

from workbench.settings.loss import LossChoice

ROUNDING = 1e-2
"""Tolerance of a sum of probabilities: in bfloat16 each has two to three digits."""

LEAST_NUMBERS = 32
"""Fewer scores than this may lie between 0 and 1 by chance."""


def squashed_twice(scores: Tensor, loss: LossChoice) -> str:
    """Says what to do where scores (n, classes) are already probabilities but the loss takes raw scores; else empty.

    Log-probabilities are as good as raw scores and give no warning. Losses that take scores as they are give none.
    """
    own = loss.own_activation
    if not own or scores.shape[1] < 2 or not bool(((scores >= 0) & (scores <= 1)).all()):
        return ""
    name = loss.label()
    if bool(((scores.sum(dim=1) - 1).abs() < ROUNDING).all()):
        seems = "the scores of every sample are probabilities: the model seems to end in a softmax"
    elif scores.numel() >= LEAST_NUMBERS and bool((scores > 0).any()):
        seems = "all scores are between 0 and 1: the model seems to end in a sigmoid"
    else:
        return ""
    return (
        f"{seems}, but the loss {name} applies {own} itself, and with both the model learns slowly and never well; let "
        "the model return its scores as they come from the last linear layer (or, for softmax, log_softmax)"
    )
