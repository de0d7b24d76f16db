"""Changes to a traced graph that leave its numbers as they are."""

from __future__ import annotations

import torch
from torch import fx, nn

from workbench.training.tracing import BORDER

aten = torch.ops.aten


def simplify(traced: fx.GraphModule) -> None:
    """Takes out what only autograd needed: aliases, transposes of transposes, the loss's own gradient, which is 1."""
    for node in list(traced.graph.nodes):
        if node.target in (aten.alias.default, aten.detach.default):
            put_instead(node, node.args[0])
        elif node.target is aten.t.default and getattr(node.args[0], "target", None) is aten.t.default:
            put_instead(node, node.args[0].args[0])
        elif node.target is aten.ones_like.default and not node.meta["kind"].shape and not _is_changed(node):
            kind = node.meta["kind"]
            traced.register_buffer(node.name, torch.ones((), dtype=kind.dtype, device=kind.device))
            with traced.graph.inserting_before(node):
                one = traced.graph.get_attr(node.name)
            one.meta["kind"] = kind
            put_instead(node, one)
    remove_unused(traced.graph)
    traced.recompile()


def _is_changed(node: fx.Node) -> bool:
    """Whether any operator may write into it."""
    schemas = [getattr(user.target, "_schema", None) for user in node.users]
    return any(schema is None or schema.is_mutable for schema in schemas)


def remove_unused(graph: fx.Graph) -> None:
    """Takes out operators whose results nobody uses and that change nothing."""
    for node in reversed(list(graph.nodes)):
        if node.users or node.op in ("placeholder", "output"):
            continue
        schema = getattr(node.target, "_schema", None)
        if schema is None or not schema.is_mutable:
            _pass_border_on(node)
            graph.erase_node(node)


def put_instead(node: fx.Node, other: fx.Node) -> None:
    """Lets `other` stand for `node`."""
    node.replace_all_uses_with(other)
    _pass_border_on(node)
    node.graph.erase_node(node)


def _pass_border_on(node: fx.Node) -> None:
    if BORDER in node.meta:
        node.prev.meta[BORDER] = node.meta[BORDER]


def mark_phases(traced: fx.GraphModule, clock: nn.Module) -> None:
    """Calls the clock where a phase ends."""
    traced.add_submodule("clock", clock)
    for node in list(traced.graph.nodes):
        if BORDER in node.meta:
            with traced.graph.inserting_after(node):
                traced.graph.call_module("clock", (node.meta[BORDER],))
    traced.recompile()
