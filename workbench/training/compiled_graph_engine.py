"""Compiled steps, recorded as CUDA graphs: fewer operators, and no launch waits for the host."""

from __future__ import annotations

from workbench.training.compiled_engine import CompiledEngine
from workbench.training.graph_engine import GraphEngine


class CompiledGraphEngine(GraphEngine, CompiledEngine):
    """The graph engine, whose list of operators torch's compiler has improved."""

    name = "compiled"
