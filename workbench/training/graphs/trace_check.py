"""Checks that a traced or compiled batch gives the numbers that PyTorch gives step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, fx

from workbench.errors import first_line
from workbench.training.graphs.tracing import (
    Arguments,
    CannotTraceError,
    StepFunction,
    Trace,
    below_autograd,
    fixed_generator,
    random_state_kept,
    sample_elements,
)

ROUNDING = 1e-6
"""Relative to the largest gradient: smaller ones may be nothing but rounding, as of a bias before batch norm."""

MOST_ERROR, MOST_ERROR_LOW_PRECISION = 1e-3, 5e-2
"""By how much the mean of loss and of each gradient may differ from autograd's, relative to it: another order of
summation makes 1e-6 (more in deep networks and large batches), a wrong graph about 1."""

AMPLIFIED, MOST_AMPLIFIED = 10, 0.2
"""Results may differ by this many times what a rounding of the inputs makes, up to a limit: wrong ones differ by 1."""

AMPLIFIED_LOW_PRECISION, MOST_LOW_PRECISION = 1.5, 0.8
"""The same for the distance of a low precision from float32."""


def most_error(precision: str) -> float:
    """The largest error that is tolerated in a number format."""
    return MOST_ERROR if precision == "float32" else MOST_ERROR_LOW_PRECISION


def check(graph: fx.GraphModule, function: StepFunction, traced: Trace, arguments: Arguments, tolerance: float) -> None:
    """Compares a graph's results with those of the batch that it was traced on. Raises CannotTraceError."""
    device = arguments.inputs.device
    try:
        with random_state_kept(device), torch.no_grad(), below_autograd():
            loss, *gradients = graph(*arguments.copied().flat())
    except Exception as broken:  # some operators exist for autograd only
        raise CannotTraceError(f"the traced step does not run: {first_line(broken)}") from broken

    def rounding_error(moved: Tensor) -> float:
        with random_state_kept(device):
            copied = replace(arguments.copied(), inputs=moved)
            loss, gradients = function(copied, traced.loss_weight, lambda _: None)
        return difference([loss, *gradients], [traced.loss, *traced.gradients])

    error = difference([loss, *gradients], [traced.loss, *traced.gradients])
    check_error("traced", error, arguments.inputs, rounding_error, tolerance)


def check_error(
    made: str, error: float, inputs: Tensor, rounding_error: Callable[[Tensor], float], tolerance: float
) -> None:
    """Raises CannotTraceError where a traced or compiled step (`made`) differs too much from PyTorch's.

    error: the difference. rounding_error: how much PyTorch's own results differ on inputs that were moved by a
    rounding; deep networks with normalisation amplify it.
    """
    if error <= tolerance:
        return
    wrong = CannotTraceError(f"the {made} step does not give the numbers that PyTorch gives step by step")
    if not inputs.is_floating_point():  # ids cannot be moved by a rounding
        raise wrong
    noise = torch.empty_like(inputs).uniform_(-ROUNDING, ROUNDING, generator=fixed_generator(inputs))
    if error > min(AMPLIFIED * rounding_error(inputs * (1 + noise)), MOST_AMPLIFIED):
        raise wrong


def check_against_float32(
    made: str, found: Sequence[Tensor | None], expected: Sequence[Tensor | None], exact: Sequence[Tensor | None]
) -> None:
    """Raises CannotTraceError where a compiled step in a low precision is much farther from float32 than PyTorch's own.

    A compiler rounds less often, since it keeps what it fuses in float32. Behind normalisations that alone changes
    gradients by a quarter of their size, so that the two cannot be compared with each other.

    found, expected, exact: loss and gradients of the compiled step, of PyTorch's, and of PyTorch's in float32.
    """
    if difference(found, exact) > min(AMPLIFIED_LOW_PRECISION * difference(expected, exact), MOST_LOW_PRECISION):
        raise CannotTraceError(f"the {made} step does not give the numbers that PyTorch gives step by step")


def difference(found: Sequence[Tensor | None], expected: Sequence[Tensor | None]) -> float:
    """The largest difference of loss and gradients: its mean relative to the mean of the expected numbers.

    Of each tensor a sample is compared. The mean, since in a large batch some units are nearly zero, which a ReLU
    passes on or not by their rounding alone.
    """
    wholes = list(zip(found, expected, strict=True))
    if any((one is None) != (other is None) for one, other in wholes):
        return math.inf
    pairs = [
        (sample_elements(one), sample_elements(other)) for one, other in wholes if one is not None and other is not None
    ]
    if any(bool((one.isnan() & ~other.isnan()).any()) for one, other in pairs):
        return math.inf
    sizes = [_mean(other) for _, other in pairs]
    rounding = ROUNDING * max(sizes[1:], default=0.0)
    return max(
        max(_mean(one - other) - rounding, 0.0) / max(size, rounding, 1e-30)
        for (one, other), size in zip(pairs, sizes, strict=True)
    )


def _mean(tensor: Tensor) -> float:
    """Mean of the absolute numbers; NaN counts as 0: the trainer will report that training has diverged."""
    return float(tensor.double().abs().nan_to_num(0.0).mean()) if tensor.numel() else 0.0
