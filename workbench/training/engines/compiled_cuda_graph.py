"""Compiled steps, recorded as CUDA graphs: fewer operators, and no launch waits for the host."""

from __future__ import annotations

from workbench.training.engines.compiled import CompiledEngine
from workbench.training.engines.cuda_graph import CudaGraphEngine


class CompiledCudaGraphEngine(CudaGraphEngine, CompiledEngine):
    """The graph engine, whose list of operators torch's compiler has improved."""

    name = "compiled"
