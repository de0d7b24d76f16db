"""Dropout with a probability that is a tensor."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from workbench.training.tuning.stacked.dropout import StackedDropout, replace_dropout


@pytest.mark.parametrize("p", [0.1, 0.7])
def test_it_zeroes_that_fraction_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(0)
    dropped = StackedDropout(p)(torch.ones(100_000))
    assert float((dropped == 0).float().mean()) == pytest.approx(p, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.02)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 1 / (1 - p)])


def test_it_does_nothing_in_evaluation() -> None:
    x = torch.randn(10)
    assert torch.equal(StackedDropout(0.9).eval()(x), x)


def test_each_layer_keeps_its_probability() -> None:
    model = nn.Sequential(nn.Dropout(0.25), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    replace_dropout(model)
    assert [float(buffer) for buffer in model.buffers()] == [0.25, 0.5]
    assert not any(type(module) is nn.Dropout for module in model.modules())
