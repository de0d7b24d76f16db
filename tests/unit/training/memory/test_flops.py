"""FLOPs are those that PyTorch's own counter counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from workbench.training.memory.tracker import MemoryTracker


def attention(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x * 2, x[..., :8])


MODELS: dict[str, tuple[Callable[[], Callable[[Tensor], Tensor]], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(20, 30), (5, 20)),
    "linear without bias": (lambda: nn.Linear(20, 30, bias=False), (5, 20)),
    "batched products": (lambda: lambda x: x @ x.transpose(1, 2), (4, 6, 7)),
    "products that are added": (lambda: lambda x: torch.baddbmm(x, x, x), (4, 6, 6)),
    "convolution": (lambda: nn.Conv2d(3, 8, 3, stride=2), (4, 3, 16, 17)),
    "convolution in one dimension": (lambda: nn.Conv1d(3, 8, 5, padding=2), (4, 3, 16)),
    "transposed convolution": (lambda: nn.ConvTranspose2d(3, 8, 3, stride=2), (4, 3, 9, 8)),
    "two layers": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4)), (2, 3, 8, 8)),
    "attention": (lambda: attention, (2, 3, 7, 16)),
}


def counted(make: Callable[[], Callable[[Tensor], Tensor]], shape: tuple[int, ...]) -> int:
    with MemoryTracker() as tracker:
        make()(torch.empty(shape, requires_grad=True)).sum().backward()
    return tracker.flops


@pytest.mark.parametrize(("make", "shape"), MODELS.values(), ids=MODELS)
def test_flops_are_those_of_pytorchs_counter(
    make: Callable[[], Callable[[Tensor], Tensor]], shape: tuple[int, ...]
) -> None:
    with FlopCounterMode(display=False) as counter:
        make()(torch.randn(shape, requires_grad=True)).sum().backward()
    assert counted(make, shape) == counter.get_total_flops() > 0


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_each_group_of_a_convolution_multiplies_its_own_channels_only(groups: int) -> None:
    """PyTorch's counter takes all channels for the gradient of the weight."""
    weight, positions = 8 * 8 * 9 // groups, 2 * 8 * 8
    assert counted(lambda: nn.Conv2d(8, 8, 3, groups=groups), (2, 8, 10, 10)) == 3 * 2 * positions * weight
