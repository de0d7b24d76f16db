"""The compiled engine: the traced step made into machine code by torch's compiler.

Forward, backward and the optimizer's update are compiled apart, so that the clock can look between them.
"""

from __future__ import annotations

from torch import fx, nn
from torch.fx.passes.split_module import split_module

from workbench.training.engines.traced import TracedEngine
from workbench.training.graphs.compiled_optimizer import compile_update
from workbench.training.graphs.inductor import compile_pieces
from workbench.training.graphs.traced_optimizer import RecordedUpdate
from workbench.training.graphs.tracing import PHASE_END, Arguments, Trace, random_state_kept


class CompiledUpdateEngine(TracedEngine):
    """The traced engine with the optimizer's update compiled where that pays."""

    def _recorded_update(self) -> RecordedUpdate | None:
        try:
            return RecordedUpdate(self._optimizer, compile_update(self._optimizer))
        except Exception:  # it gains nothing, or there is no compiler: then it is as in the traced engine
            return super()._recorded_update()


class CompiledEngine(CompiledUpdateEngine):
    """Compiles a batch's graph as well, once for each shape of batch."""

    name = "compiled"

    def _improve(self, traced: Trace, arguments: Arguments) -> fx.GraphModule:
        if len(arguments.targets) != self._feed.batch_size:
            return super()._improve(traced, arguments)  # an epoch's short last batch is not worth seconds
        whole = split(traced.graph)
        with random_state_kept(arguments):
            compile_pieces(whole, arguments.copied().flat())
        return whole


def split(graph: fx.GraphModule) -> fx.GraphModule:
    """The same graph in pieces, a phase each; a piece's call carries the border at which it ends."""
    number, numbers, phases = 0, {}, {}
    for node in graph.graph.nodes:
        numbers[node.name] = number
        if PHASE_END in node.meta:
            phases[f"submod_{number}"] = node.meta[PHASE_END]
            number += 1
    whole = split_module(graph, nn.Module(), lambda node: numbers[node.name], keep_original_order=True)
    for node in whole.graph.nodes:
        if node.op == "call_module" and node.target in phases:
            node.meta[PHASE_END] = phases[node.target]
    return whole
