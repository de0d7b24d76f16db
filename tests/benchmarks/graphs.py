"""CUDA graphs from outside: how many nodes are replayed, and what a node costs that does nothing.

The floor of a captured step: its nodes, times the cost of an empty one. The engine is not asked: whoever captures a
graph through `torch.cuda.CUDAGraph` is seen, once `watch` has been called before `workbench.training` is imported.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import torch

NODE = re.compile(r'"(graph_\d+_node_\d+)"')


def nodes_in(dot: str) -> int:
    """The nodes of a graph that `cudaGraphDebugDotPrint` has drawn, those of child graphs included."""
    return len(set(NODE.findall(dot)))


_Plain = torch.cuda.CUDAGraph


class Watched(torch.cuda.CUDAGraph):
    """A graph that counts its nodes when it is captured, and its replays."""

    def __init__(self) -> None:
        self.replays = self.nodes = 0
        try:
            super().__init__(keep_graph=True)  # type: ignore[call-arg]  # beside its executable form, to be counted
        except TypeError:  # PyTorch 2.6
            super().__init__()
            self.enable_debug_mode()

    def capture_end(self) -> None:
        super().capture_end()
        captured.append(self)
        # Whatever goes wrong with the counting, the capture itself has succeeded.
        for count in (_drawn_nodes, _listed_nodes):
            with suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch says aloud that it draws a graph
                self.nodes = self.nodes or count(self)

    def replay(self) -> None:
        self.replays += 1
        super().replay()


def _drawn_nodes(graph: torch.cuda.CUDAGraph) -> int:
    with tempfile.TemporaryDirectory() as name:
        drawing = Path(name) / "graph.dot"
        graph.debug_dump(str(drawing))
        return nodes_in(drawing.read_text())


def _listed_nodes(graph: torch.cuda.CUDAGraph) -> int:
    """Without those inside of child graphs."""
    from cuda.bindings import runtime

    error, _, nodes = runtime.cudaGraphGetNodes(graph.raw_cuda_graph(), numNodes=0)
    return 0 if int(error) else int(nodes)


captured: list[Watched] = []
"""All that were captured while they were watched, the oldest first."""


@contextmanager
def watch() -> Iterator[None]:
    """Inside, whoever makes a CUDA graph makes one that counts."""
    torch.cuda.CUDAGraph = torch.cuda.graphs.CUDAGraph = Watched  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        torch.cuda.CUDAGraph = torch.cuda.graphs.CUDAGraph = _Plain  # type: ignore[misc]


def replayed_nodes() -> tuple[int, int]:
    """Replays since the last call, and the nodes in them. Raises LookupError where some could not be counted."""
    graphs = [graph for graph in captured if graph.replays]
    if not graphs:
        raise LookupError("none of the captured graphs was replayed")
    if any(graph.nodes == 0 for graph in graphs):
        raise LookupError("this PyTorch does not draw its graphs")
    replays, nodes = sum(graph.replays for graph in graphs), sum(graph.replays * graph.nodes for graph in graphs)
    for graph in graphs:
        graph.replays = 0
    return replays, nodes


def node_seconds(nodes: int, repeats: int = 20, replays: int = 50) -> float:
    """What a kernel of one number costs within a graph of `nodes` of them, one after the other: median seconds."""
    number = torch.zeros(1, device="cuda")
    graph = _Plain()
    number.add_(1)  # loads the kernel before it is captured
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        for _ in range(nodes):
            number.add_(1)
    for _ in range(replays):
        graph.replay()
    torch.cuda.synchronize()
    seconds: list[float] = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(replays):
            graph.replay()
        end.record()
        end.synchronize()
        seconds.append(start.elapsed_time(end) / 1000 / (replays * nodes))
    return median(seconds)
