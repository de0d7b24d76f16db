"""The compiled engine: the traced step made into machine code by torch's compiler (inductor).

Compiling takes seconds to minutes, once: what was made is kept in the user's cache, so that the same preset on the same
machine finds it again. Forward and backward are compiled apart, so that the clock can look between them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import platformdirs
import torch
from torch import fx, nn
from torch.fx.passes.split_module import split_module

from workbench.training.traced_engine import TracedEngine
from workbench.training.tracing import BORDER, Arguments, Trace, random_state_kept

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


class CompiledEngine(TracedEngine):
    """Compiles a batch's graph once for each shape of batch."""

    name = "compiled"

    def _improve(self, traced: Trace, arguments: Arguments) -> fx.GraphModule:
        if len(arguments.targets) != self._feed.batch_size:
            return super()._improve(traced, arguments)  # an epoch's short last batch is not worth seconds
        # torch's own place for it is the temporary folder, which does not outlive a restart of the machine.
        os.environ.setdefault(CACHE_VARIABLE, str(platformdirs.user_cache_path("workbench") / "inductor"))
        whole = split(traced.graph)
        sizes = _Values(whole)
        with torch.no_grad(), random_state_kept(arguments):
            sizes.run(*arguments.copied().flat())
        from torch._inductor import compile as compile_graph
        from torch._inductor.decomposition import decompositions

        # torch 2.6 would make a comparison of uniform numbers of a CPU's dropout, and draw others than PyTorch does.
        decompositions.pop(torch.ops.aten.bernoulli.p, None)
        for name, piece in list(whole.named_children()):
            assert isinstance(piece, fx.GraphModule)
            if any(node.op == "call_function" for node in piece.graph.nodes):
                # Random numbers as PyTorch draws them, so that dropout is the same in every engine.
                compiled = compile_graph(piece, sizes.arguments_of[name], options={"fallback_random": True})
                whole.add_submodule(name, _Piece(compiled))
        return whole


def split(graph: fx.GraphModule) -> fx.GraphModule:
    """The same graph in pieces, a phase each; a piece's call carries the border at which it ends."""
    number, numbers, phases = 0, {}, {}
    for node in graph.graph.nodes:
        numbers[node.name] = number
        if BORDER in node.meta:
            phases[f"submod_{number}"] = node.meta[BORDER]
            number += 1
    whole = split_module(graph, nn.Module(), lambda node: numbers[node.name], keep_original_order=True)
    for node in whole.graph.nodes:
        if node.op == "call_module" and node.target in phases:
            node.meta[BORDER] = phases[node.target]
    return whole


class _Values(fx.Interpreter):
    """Runs a graph of pieces, and notes what each is called with."""

    def __init__(self, whole: fx.GraphModule) -> None:
        super().__init__(whole)
        self.arguments_of: dict[str, list[Any]] = {}

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.arguments_of[str(target)] = list(args)
        return super().call_module(target, args, kwargs)


class _Piece(nn.Module):
    """A compiled piece, as a graph can call it."""

    def __init__(self, compiled: Callable[..., Any]) -> None:
        super().__init__()
        self.forward = compiled
