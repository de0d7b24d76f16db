"""Matrix products by oneDNN where torch's own library for them is slow.

torch multiplies float32 matrices on x86 by MKL, which runs at half speed on processors that are not Intel's: measured
on an AMD EPYC (Zen 5), one core: 108 GFLOP/s against 190 to 230 by oneDNN, which comes with torch as well. The operator
used here computes in float32 whatever torch's settings for lower precision say; its accuracy is checked against float64
before the first use.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, fx

from workbench.devices.host import cpu_vendor
from workbench.training.tracing import remove_unused, replace

LEAST_FLOPS = 1_000_000
"""Of a product that oneDNN is asked for: below, its call costs more than it gains (0.3 MFLOP: 14 µs against 9)."""

MOST_ERROR = 1e-5
"""Relative to the largest number of a product: float32 makes 1e-6, bfloat16 2e-3."""

aten = torch.ops.aten


@cache
def onednn_pays() -> bool:
    """Whether float32 products are better made by oneDNN on this machine: not Intel's, has it, and it is accurate."""
    if cpu_vendor() in ("", "GenuineIntel") or not torch.backends.mkl.is_available():
        return False
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    generator = torch.Generator().manual_seed(0)
    inputs, weight = (torch.randn(shape, generator=generator) for shape in ((64, 512), (128, 512)))
    exact = inputs.double() @ weight.double().T
    error = (_linear(inputs, weight).double() - exact).abs().max() / exact.abs().max()
    return bool(error <= MOST_ERROR)


def use_onednn(traced: fx.GraphModule) -> None:
    """Replaces the large float32 products of a traced graph, with the bias and a ReLU behind them where there are."""
    for node in list(traced.graph.nodes):
        if node.target is aten.addmm.default and not node.kwargs:
            bias, left, right = node.args
            if _is_large(left, right) and bias.meta["kind"].shape == node.meta["kind"].shape[1:]:
                relu = _only_user(node)
                fused = relu is not None and relu.target is aten.relu.default
                _put(relu if fused and relu is not None else node, left, right, bias, "relu" if fused else "none")
        elif node.target is aten.mm.default and _is_large(*node.args):
            left, right = node.args
            _put(node, left, right, None, "none")
    remove_unused(traced.graph)
    traced.recompile()


def _put(node: fx.Node, left: fx.Node, right: fx.Node, bias: fx.Node | None, activation: str) -> None:
    graph = node.graph
    with graph.inserting_before(node):
        is_transposed = right.target is aten.t.default
        weight = right.args[0] if is_transposed else graph.call_function(aten.t.default, (right,))
        operator = torch.ops.mkldnn._linear_pointwise.default
        product = graph.call_function(operator, (left, weight, bias, activation, [], ""))
        product.meta = dict(node.meta)
    replace(node, product)


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _is_large(left: fx.Node, right: fx.Node) -> bool:
    """Whether left (m, k) times right (k, n) is float32 on the CPU, and worth oneDNN's call."""
    a, b = left.meta["kind"], right.meta["kind"]
    if a.dtype != torch.float32 or b.dtype != torch.float32 or a.device.type != "cpu":
        return False
    return bool(2 * a.shape[0] * a.shape[1] * b.shape[1] >= LEAST_FLOPS)


def _linear(inputs: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, weight, None, "none", [], "")
    return product
