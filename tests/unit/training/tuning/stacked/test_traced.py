"""Traces of functions of stacked tensors."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.traced import TracedFunction


class Counted:
    """A function that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        self.calls += 1
        one, other = arguments
        other.add_(1)
        return (one.transpose(0, 1).transpose(0, 1).view(one.shape) * 2 + torch.rand_like(one),)


def test_the_function_is_called_for_new_shapes_only_and_changes_its_arguments() -> None:
    function = Counted()
    traced = TracedFunction(function)
    kept = torch.zeros(1)
    for calls, rows in ((2, 3), (2, 3), (2, 3), (4, 5)):
        (found,) = traced([torch.ones(rows, 2), kept])
        assert function.calls == calls
        assert bool(((found >= 2) & (found < 3)).all())
    assert kept.item() == 4


def test_tracing_draws_from_no_generator() -> None:
    traced = TracedFunction(Counted())
    torch.manual_seed(3)
    expected = 2 + torch.rand(3, 2)
    torch.manual_seed(3)
    assert torch.equal(traced([torch.ones(3, 2), torch.zeros(1)])[0], expected)


def test_a_function_that_looks_at_numbers_is_called_each_time() -> None:
    calls = []

    def function(arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        calls.append(1)
        return (arguments[0] * (2 if arguments[0].sum() > 0 else 3),)

    traced = TracedFunction(function)
    assert traced([torch.ones(2)])[0].tolist() == [2, 2]
    calls.clear()
    assert traced([-torch.ones(2)])[0].tolist() == [-3, -3]
    assert len(calls) == 1


def test_what_works_for_no_stacked_tensor_is_a_reason() -> None:
    def function(arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        raise RuntimeError("no batching rule\nfor this")

    with pytest.raises(CannotStackError, match=r"cannot be computed for stacked weights: no batching rule$"):
        TracedFunction(function)([torch.ones(2)])
