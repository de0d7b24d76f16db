"""Changes to a traced graph that leave its numbers as they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import fx

from workbench.training.graphs.tracing import PHASE_END

aten = torch.ops.aten


def remove_noops(traced: fx.GraphModule) -> None:
    """Removes operators that only autograd needed: aliases, transposes of transposes, the loss's own gradient (1)."""
    for node in list(traced.graph.nodes):
        if node.target in (aten.alias.default, aten.detach.default):
            replace_node(node, node.args[0])
        elif node.target is aten.t.default and getattr(node.args[0], "target", None) is aten.t.default:
            replace_node(node, node.args[0].args[0])
        elif node.target is aten.view.default and _is_flat_sum(node.args[0], node.args[1]):
            summed = node.args[0]
            summed.args, summed.meta["tensor_meta"] = (*summed.args[:2], False), node.meta["tensor_meta"]
            replace_node(node, summed)
        elif node.target is aten.ones_like.default and not node.meta["tensor_meta"].shape and not _is_changed(node):
            like = node.meta["tensor_meta"]
            traced.register_buffer(node.name, torch.ones((), dtype=like.dtype, device=like.device))
            with traced.graph.inserting_before(node):
                one = traced.graph.get_attr(node.name)
            one.meta["tensor_meta"] = like
            replace_node(node, one)
    eliminate_dead_code(traced.graph)
    traced.recompile()


def _is_flat_sum(node: fx.Node, shape: list[int]) -> bool:
    """Whether it sums a batch's rows into a matrix of one row, which is then viewed as a vector: a bias's gradient."""
    is_row = node.target is aten.sum.dim_IntList and node.args[1:] == ([0], True) and not node.kwargs
    return is_row and len(node.users) == 1 and len(node.meta["tensor_meta"].shape) == 2 and len(shape) == 1


def _is_changed(node: fx.Node) -> bool:
    """Whether any operator may write into it."""
    schemas = [getattr(user.target, "_schema", None) for user in node.users]
    return any(schema is None or schema.is_mutable for schema in schemas)


def eliminate_dead_code(graph: fx.Graph) -> None:
    """Removes operators whose results nobody uses and that change nothing."""
    for node in reversed(list(graph.nodes)):
        if node.users or node.op in ("placeholder", "output"):
            continue
        schema = getattr(node.target, "_schema", None)
        if schema is None or not schema.is_mutable:
            _move_phase_end(node)
            graph.erase_node(node)


def replace_node(node: fx.Node, other: fx.Node) -> None:
    """Uses the result of `other` in place of that of `node`, which is removed."""
    node.replace_all_uses_with(other)
    _move_phase_end(node)
    node.graph.erase_node(node)


def _move_phase_end(node: fx.Node) -> None:
    if PHASE_END in node.meta:
        node.prev.meta[PHASE_END] = node.meta[PHASE_END]


def mark_phases(traced: fx.GraphModule, mark: Callable[[str], None]) -> None:
    """Calls `mark` with its name where a phase ends."""
    for node in list(traced.graph.nodes):
        if PHASE_END in node.meta:
            with traced.graph.inserting_after(node):
                traced.graph.call_function(mark, (node.meta[PHASE_END],))
    traced.recompile()
