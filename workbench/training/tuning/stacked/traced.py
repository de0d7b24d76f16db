"""Runs a function of stacked tensors by its trace: a list of plain operators in place of vmap's and autograd's work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx

from workbench.errors import first_line
from workbench.training.graphs.passes import eliminate_dead_code, remove_noops, replace_node
from workbench.training.graphs.trace_check import MOST_ERROR, difference
from workbench.training.graphs.tracing import CannotTraceError, Tracer, below_autograd, random_state_kept
from workbench.training.tuning.stacked.errors import CannotStackError

aten = torch.ops.aten

Function = Callable[[Sequence[Tensor]], tuple[Tensor, ...]]
"""A function of tensors, some of which it may change in place."""


class TracedFunction:
    """Calls a function's trace; arguments of new shapes are traced first."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._graphs: dict[tuple[object, ...], fx.GraphModule | None] = {}
        """By the shapes of the arguments; None where they cannot be traced."""

    def __call__(self, arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Raises CannotStackError where the function does not work for stacked tensors at all."""
        key = tuple(tensor.shape for tensor in arguments)
        if key not in self._graphs:
            self._graphs[key] = self._trace(arguments)
        graph = self._graphs[key]
        if graph is None:
            return self._function(arguments)
        with torch.no_grad(), below_autograd():
            results: tuple[Tensor, ...] = graph.forward(*arguments)
        return results

    def _trace(self, arguments: Sequence[Tensor]) -> fx.GraphModule | None:
        """None where one list of operators does not do what the function does."""
        copies = [tensor.clone() for tensor in arguments]
        with random_state_kept(arguments[0].device):
            try:
                tracer = Tracer(copies)
                with tracer:
                    results = self._function(copies)
                graph = tracer.finish(results)
            except CannotTraceError:
                return None
            except Exception as error:  # such as an operator that has no rule for stacked tensors
                raise CannotStackError(
                    f"the network cannot be computed for stacked weights: {first_line(error)}"
                ) from error
            remove_noops(graph)
            _remove_equal_shapes(graph)
            return graph if self._is_right(graph, arguments) else None

    def _is_right(self, graph: fx.GraphModule, arguments: Sequence[Tensor]) -> bool:
        """Compares it with the function on other numbers than those it was traced with. Seeds the generators."""
        moved = [tensor * 1.125 if tensor.is_floating_point() else tensor for tensor in arguments]
        found_arguments, expected_arguments = ([tensor.clone() for tensor in moved] for _ in range(2))
        torch.manual_seed(0)
        with torch.no_grad(), below_autograd():
            found = graph.forward(*found_arguments)
        torch.manual_seed(0)
        expected = self._function(expected_arguments)
        # What was changed in place counts as well.
        return difference([*found, *found_arguments], [*expected, *expected_arguments]) <= MOST_ERROR


def _remove_equal_shapes(traced: fx.GraphModule) -> None:
    """Removes what vmap adds: views and expansions to the shape that there is, and transposes of transposes."""
    for node in list(traced.graph.nodes):
        if node.op != "call_function" or not node.args or not isinstance(node.args[0], fx.Node):
            continue
        before = node.args[0]
        if node.target in (aten.expand.default, aten.view.default, aten._unsafe_view.default):
            if _shape(before) == _shape(node):
                replace_node(node, before)
        elif node.target is aten.mul.Scalar and node.args[1] == 1:
            replace_node(node, before)
        elif node.target is aten.transpose.int and _undoes(node, before):
            replace_node(node, before.args[0])  # type: ignore[arg-type]
    eliminate_dead_code(traced.graph)
    traced.recompile()


def _undoes(node: fx.Node, before: fx.Node) -> bool:
    """Whether a transposition undoes the one before it."""
    return before.target is aten.transpose.int and node.args[1:] == before.args[1:]


def _shape(node: fx.Node) -> object:
    known = node.meta.get("tensor_meta")
    return object() if known is None else known.shape
