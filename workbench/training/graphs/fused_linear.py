"""The matrix products of a traced graph on the CPU, where oneDNN makes them (see `products`).

A layer's product, bias and ReLU become one call. Small products go back to MKL, whose call costs less.
"""

from __future__ import annotations

import torch
from torch import fx

from workbench.training.graphs.passes import put_instead, remove_unused
from workbench.training.matmul_backend import BY_MKL, made_by

LEAST_FLOPS = 1_000_000
"""Of a product that oneDNN is asked for: below, its call costs more than it gains (0.3 MFLOP: 14 µs against 7)."""

aten = torch.ops.aten

SMALL = {operator: made_by(BY_MKL, operator) for operator in (aten.mm.default, aten.addmm.default)}
"""What stands for the operators of small products."""


def choose_products(traced: fx.GraphModule) -> None:
    """Replaces products of float32 matrices by faster ones."""
    for node in list(traced.graph.nodes):
        if node.target not in SMALL or node.kwargs or node.meta["kind"].dtype != torch.float32:
            continue
        *bias, left, right = node.args
        if not _is_large(left, right):
            node.target = SMALL[node.target]
        elif bias and bias[0].meta["kind"].shape == node.meta["kind"].shape[1:]:
            _put_layer(node, left, right, bias[0])
    remove_unused(traced.graph)
    traced.recompile()


def _put_layer(node: fx.Node, left: fx.Node, right: fx.Node, bias: fx.Node) -> None:
    """One call for a product with its bias, and the ReLU behind it if nothing else needs what goes into it."""
    relu = next(iter(node.users)) if len(node.users) == 1 else None
    is_fused = relu is not None and relu.target is aten.relu.default
    last = relu if is_fused and relu is not None else node
    graph = node.graph
    with graph.inserting_before(last):
        weight = right.args[0] if right.target is aten.t.default else graph.call_function(aten.t.default, (right,))
        linear = torch.ops.mkldnn._linear_pointwise.default
        layer = graph.call_function(linear, (left, weight, bias, "relu" if is_fused else "none", [], ""))
        layer.meta = dict(last.meta)
    put_instead(last, layer)


def _is_large(left: fx.Node, right: fx.Node) -> bool:
    """Whether left (m, k) times right (k, n) is worth oneDNN's call."""
    a, b = left.meta["kind"], right.meta["kind"]
    return bool(2 * a.shape[0] * a.shape[1] * b.shape[1] >= LEAST_FLOPS)
