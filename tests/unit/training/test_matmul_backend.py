"""Matrix products by oneDNN: as accurate as float32, or not used; small ones by MKL."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.engines.test_traced import arguments_for
from workbench.training import matmul_backend as products
from workbench.training.graphs.fused_linear import fuse_linear
from workbench.training.graphs.passes import remove_noops
from workbench.training.graphs.trace_check import check
from workbench.training.graphs.tracing import trace
from workbench.training.matmul_backend import (
    BY_MKL,
    BY_ONEDNN,
    MOST_ERROR,
    largest_error,
    onednn_pays,
    use_onednn_for_matmul,
    with_matmul_library,
)


def test_products_are_as_accurate_as_float32_once_they_are_chosen() -> None:
    """Also where the setting that chooses oneDNN means bfloat16: there it is not used."""
    use_onednn_for_matmul()
    assert largest_error() < MOST_ERROR


def test_a_less_accurate_library_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor with matrix units for bfloat16."""
    monkeypatch.setattr(products, "cpu_vendor", lambda: "AuthenticAMD")
    seen = []

    def error() -> float:
        seen.append(torch.get_float32_matmul_precision())
        return 2e-3

    monkeypatch.setattr(products, "largest_error", error)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(products, "onednn_pays", onednn_pays.__wrapped__)
    use_onednn_for_matmul()
    assert seen == [BY_ONEDNN]
    assert torch.get_float32_matmul_precision() == BY_MKL


def test_bfloat16_would_be_noticed() -> None:
    """The bound lies well below what rounding the factors to bfloat16 makes."""
    a, b = torch.randn(64, 512), torch.randn(512, 128)
    exact = a.double() @ b.double()
    rounded = (a.bfloat16().float() @ b.bfloat16().float()).double()
    assert float((rounded - exact).abs().max() / exact.abs().max()) > 50 * MOST_ERROR


def test_whether_onednn_pays_is_the_same_at_every_start() -> None:
    """By who made the processor and not by a measurement: a run that is repeated must give the same bits."""
    assert len({onednn_pays.__wrapped__() for _ in range(3)}) == 1


def test_the_library_is_chosen_for_one_call_only() -> None:
    torch.set_float32_matmul_precision(BY_ONEDNN)
    assert with_matmul_library(BY_MKL, torch.get_float32_matmul_precision)() == BY_MKL
    assert torch.get_float32_matmul_precision() == BY_ONEDNN

    def fails() -> Tensor:
        raise MemoryError

    with pytest.raises(MemoryError):
        with_matmul_library(BY_MKL, fails)()
    assert torch.get_float32_matmul_precision() == BY_ONEDNN


def test_a_layer_becomes_one_call_and_small_products_are_made_by_mkl() -> None:
    model = nn.Sequential(nn.Linear(4, 2048), nn.ReLU(), nn.Linear(2048, 512), nn.Linear(512, 3))
    function, arguments = arguments_for(model, samples=64)
    traced = trace(function, arguments, 1.0)
    remove_noops(traced.graph)
    fuse_linear(traced.graph)
    aten = torch.ops.aten
    targets = [node.target for node in traced.graph.graph.nodes]
    # Forward of the first two layers; their gradients, the first's inputs needing none, are plain products.
    assert targets.count(torch.ops.mkldnn._linear_pointwise.default) == 2
    assert targets.count(aten.mm.default) == 3
    assert aten.addmm.default not in targets
    assert aten.relu.default not in targets  # it goes along with its layer
    assert sum(getattr(target, "__qualname__", "") == "with_matmul_library.<locals>.call" for target in targets) == 3
    check(traced.graph, function, traced, arguments, 1e-4)
