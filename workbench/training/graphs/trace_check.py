"""Whether a traced and improved graph gives the numbers that PyTorch gives step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, fx

from workbench.training.graphs.tracing import (
    Arguments,
    CannotTraceError,
    StepFunction,
    Trace,
    below_autograd,
    first_line,
    fixed_generator,
    random_state_kept,
    spread,
)

ROUNDING = 1e-6
"""Relative to the largest gradient: smaller ones may be nothing but rounding, as of a bias before batch norm."""

AMPLIFIED, MOST_AMPLIFIED = 10, 0.2
"""A graph may differ by so many times what a rounding of its inputs makes, up to a limit: a wrong one differs by 1."""

WRONG = "the traced step does not give the numbers that PyTorch gives step by step"


def check(
    graph: fx.GraphModule, function: StepFunction, traced: Trace, arguments: Arguments, most_error: float
) -> None:
    """Holds a graph's results against those of the batch that it was traced on. Raises CannotTraceError.

    most_error: of the loss and of each gradient, as `difference` gives it. More is right where the network itself gives
    that much more when its inputs are moved by a rounding: deep ones with normalisation make much of little.
    """
    try:
        with random_state_kept(arguments), torch.no_grad(), below_autograd():
            loss, *gradients = graph(*arguments.copied().flat())
    except Exception as broken:  # some operators exist for autograd only
        raise CannotTraceError(f"the traced step does not run: {first_line(broken)}") from broken
    error = difference([loss, *gradients], traced)
    if error <= most_error:
        return
    if not arguments.inputs.is_floating_point():  # ids cannot be moved by a rounding
        raise CannotTraceError(WRONG)
    moved = arguments.copied()
    noise = torch.empty_like(moved.inputs).uniform_(-ROUNDING, ROUNDING, generator=fixed_generator(moved.inputs))
    with random_state_kept(arguments):
        loss, gradients = function(replace(moved, inputs=moved.inputs * (1 + noise)), traced.share, lambda _: None)
    if error > min(AMPLIFIED * difference([loss, *gradients], traced), MOST_AMPLIFIED):
        raise CannotTraceError(WRONG)


def difference(found: Sequence[Tensor | None], traced: Trace) -> float:
    """The largest one of loss and gradients: mean of the differences relative to the mean of the numbers.

    The mean, since in a large batch some units are nearly zero, which a ReLU passes on or not by their rounding alone.
    """
    wholes = list(zip(found, [traced.loss, *traced.gradients], strict=True))
    if any((whole is None) != (expected is None) for whole, expected in wholes):
        return math.inf
    pairs = [(spread(whole), expected) for whole, expected in wholes if whole is not None and expected is not None]
    if any(bool((numbers.isnan() & ~expected.isnan()).any()) for numbers, expected in pairs):
        return math.inf
    sizes = [_mean(expected) for _, expected in pairs]
    rounding = ROUNDING * max(sizes[1:], default=0.0)
    return max(
        max(_mean(numbers - expected) - rounding, 0.0) / max(size, rounding, 1e-30)
        for (numbers, expected), size in zip(pairs, sizes, strict=True)
    )


def _mean(tensor: Tensor) -> float:
    """Mean of the absolute numbers; NaN counts as 0: the trainer itself will say that training has diverged."""
    return float(tensor.double().abs().nan_to_num(0.0).mean()) if tensor.numel() else 0.0
