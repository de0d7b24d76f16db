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
from typing import Any

import torch

NODE = re.compile(r'"(graph_\d+_node_\d+)"')


def nodes_in(dot: str) -> int:
    """The nodes of a graph that `cudaGraphDebugDotPrint` has drawn, those of child graphs included."""
    return len(set(NODE.findall(dot)))


_Plain = torch.cuda.CUDAGraph


class Watched(torch.cuda.CUDAGraph):
    """A graph that counts its nodes when it is captured, and its replays."""

    def capture_begin(self, *arguments: Any, **others: Any) -> None:
        self.replays = 0
        self.nodes = 0
        self.enable_debug_mode()  # keeps the graph beside its executable form, to be drawn
        super().capture_begin(*arguments, **others)

    def capture_end(self) -> None:
        super().capture_end()
        captured.append(self)
        # Whatever goes wrong with the drawing, the capture itself has succeeded.
        with suppress(Exception), tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch says aloud that it draws a graph
            drawing = Path(name) / "graph.dot"
            self.debug_dump(str(drawing))
            self.nodes = nodes_in(drawing.read_text())

    def replay(self) -> None:
        self.replays += 1
        super().replay()


captured: list[Watched] = []
"""All that were captured while they were watched, the oldest first."""


@contextmanager
def watch() -> Iterator[None]:
    """Inside, whoever makes a CUDA graph makes one that counts."""
    torch.cuda.CUDAGraph = torch.cuda.graphs.CUDAGraph = Watched  # type: ignore[misc]
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
