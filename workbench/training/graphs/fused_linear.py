"""Matrix multiplications of a traced graph on the CPU, where oneDNN computes them (see `matmul_backend`).

A layer's multiplication, bias and ReLU become one call. Small multiplications go back to MKL, whose call costs less.
"""

from __future__ import annotations

import torch
from torch import fx

from workbench.training.graphs.passes import eliminate_dead_code, replace_node
from workbench.training.matmul_backend import BY_MKL, with_matmul_library

LEAST_FLOPS = 1_000_000
"""Of a multiplication by oneDNN: below, its call costs more than it gains (0.3 MFLOP: 14 µs against 7)."""

aten = torch.ops.aten

SMALL = {operator: with_matmul_library(BY_MKL, operator) for operator in (aten.mm.default, aten.addmm.default)}
"""What replaces the operators of small multiplications."""


def fuse_linear(traced: fx.GraphModule) -> None:
    """Replaces multiplications of float32 matrices by faster ones."""
    for node in list(traced.graph.nodes):
        if node.target not in SMALL or node.kwargs or node.meta["tensor_meta"].dtype != torch.float32:
            continue
        *bias, left, right = node.args
        if not _is_large(left, right):
            node.target = SMALL[node.target]
        elif bias and bias[0].meta["tensor_meta"].shape == node.meta["tensor_meta"].shape[1:]:
            _fuse_layer(node, left, right, bias[0])
    eliminate_dead_code(traced.graph)
    traced.recompile()


def _fuse_layer(node: fx.Node, left: fx.Node, right: fx.Node, bias: fx.Node) -> None:
    """Makes one call of a multiplication with its bias, and the ReLU behind it if nothing else uses its input."""
    relu = next(iter(node.users)) if len(node.users) == 1 else None
    is_fused = relu is not None and relu.target is aten.relu.default
    last = relu if is_fused and relu is not None else node
    graph = node.graph
    with graph.inserting_before(last):
        weight = right.args[0] if right.target is aten.t.default else graph.call_function(aten.t.default, (right,))
        # Private, as is all of oneDNN's; tried on torch 2.6, 2.11 and 2.15.
        linear = torch.ops.mkldnn._linear_pointwise.default
        layer = graph.call_function(linear, (left, weight, bias, "relu" if is_fused else "none", [], ""))
        layer.meta = dict(last.meta)
    replace_node(last, layer)


def _is_large(left: fx.Node, right: fx.Node) -> bool:
    """Whether left (m, k) times right (k, n) is worth oneDNN's call."""
    a, b = left.meta["tensor_meta"], right.meta["tensor_meta"]
    return bool(2 * a.shape[0] * a.shape[1] * b.shape[1] >= LEAST_FLOPS)
